# Larder in a container: made as scripts/setup and the release preset make it anywhere else, then the program and
# its libraries alone.
#
#     docker build --tag larder .
#
# A repository is expected in /repository. docker-compose.yml has PostgreSQL and Redis beside it.

FROM debian:12-slim AS build
WORKDIR /larder
COPY scripts/setup scripts/setup
RUN scripts/setup
COPY . .
RUN cmake --preset release
RUN cmake --build --preset release --target larder
RUN DESTDIR=/image cmake --install build/release --component Unspecified --strip
# Each library that the program is linked with, gRPC, which it loads by its name when it is needed, and the loader,
# where the loader looks for them.
RUN strings -a /image/usr/local/bin/larder | grep --line-regexp 'libgrpc[.]so[.][0-9.]*' > /grpc
RUN LD_PRELOAD=$(cat /grpc) ldd /image/usr/local/bin/larder | grep --only-matching '/[^ ]*' | xargs cp --dereference --parents --target-directory=/image
RUN mkdir -p /image/etc /image/repository /image/tmp && chmod 1777 /image/tmp && \
    echo 'larder:x:10001:10001::/repository:/usr/local/bin/larder' > /image/etc/passwd && \
    echo 'larder:x:10001:' > /image/etc/group && \
    echo 'hosts: files dns' > /image/etc/nsswitch.conf

FROM scratch
COPY --from=build /image /
COPY --from=build --chown=10001:10001 /image/repository /repository
ENV PATH=/usr/local/bin LARDER_GRPC=0.0.0.0:6566 LARDER_HTTP=0.0.0.0:6567
USER 10001:10001
WORKDIR /repository
EXPOSE 6566 6567
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["larder", "health"]
ENTRYPOINT ["larder"]
CMD ["serve"]
