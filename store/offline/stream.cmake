# History for joins that are made outside the database.
target_sources(larder_offline PRIVATE
    ${CMAKE_CURRENT_LIST_DIR}/postgres_parts.c
    ${CMAKE_CURRENT_LIST_DIR}/postgres_stream.c
    ${CMAKE_CURRENT_LIST_DIR}/sqlite_stream.c)
