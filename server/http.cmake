# The port for those who watch the server. It knows pages and numbers, and nothing of features.
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd)
larder_library(larder_http
    SOURCES http_port.c listen_address.c metrics_text.c wake.c
    LINKS larder_base PkgConfig::MICROHTTPD Threads::Threads)
