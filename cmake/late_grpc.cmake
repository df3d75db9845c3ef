# late_grpc(TARGET): gRPC core is loaded when it is first called (cli/late_grpc.c); --as-needed leaves
# it off what is loaded with the program. Where it is no shared library, it is linked as anywhere else.

function(late_grpc target)
    list(FILTER GRPC_LINK_LIBRARIES INCLUDE REGEX "/libgrpc\\.so$")
    if(NOT GRPC_LINK_LIBRARIES)
        return()
    endif()
    execute_process(COMMAND ${CMAKE_OBJDUMP} -p ${GRPC_LINK_LIBRARIES} OUTPUT_VARIABLE told
        COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX MATCH "SONAME +([^ \n]+)" _ "${told}")
    target_sources(${target} PRIVATE late_grpc.c)
    set_source_files_properties(late_grpc.c PROPERTIES
        COMPILE_DEFINITIONS LARDER_GRPC_LIBRARY="${CMAKE_MATCH_1}")
    # accept4 is ours (server/accepting.c), also for a library that the linker does not see.
    target_link_options(${target} PRIVATE -Wl,--as-needed -Wl,--export-dynamic-symbol=accept4)
endfunction()
