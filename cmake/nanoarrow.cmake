# nanoarrow: Arrow's IPC format in C, from the sources that scripts/setup has put on the machine, with
# flatcc, in which it reads and writes the format's metadata. Target: nanoarrow. Its warnings are its own.

set(NANOARROW_VERSION 0.9.0)
set(LARDER_NANOARROW /usr/local/src/nanoarrow-${NANOARROW_VERSION} CACHE PATH "Where its sources are")
if(NOT EXISTS ${LARDER_NANOARROW}/src/nanoarrow/nanoarrow_ipc.h)
    message(FATAL_ERROR "nanoarrow is not in ${LARDER_NANOARROW}; run scripts/setup")
endif()
string(REPLACE . ";" version ${NANOARROW_VERSION})
list(GET version 0 NANOARROW_VERSION_MAJOR)
list(GET version 1 NANOARROW_VERSION_MINOR)
list(GET version 2 NANOARROW_VERSION_PATCH)
configure_file(${LARDER_NANOARROW}/src/nanoarrow/nanoarrow_config.h.in
    ${PROJECT_BINARY_DIR}/nanoarrow/nanoarrow/nanoarrow_config.h)

# Its reader is mended in six places, which hostile files find. It takes a dictionary's batch as it comes, and
# neither counts its buffers nor heeds that they are compressed: the check that other batches have does
# both. Where a buffer ends, and how large it has to be for its elements, are sums that may overflow. And a file
# may say that it grows to any size: a column of a batch is held to 2 GiB. A message may lack
# its header, a field its type. What does not match any more is another
# version, and to be looked at.
file(READ ${LARDER_NANOARROW}/src/nanoarrow/ipc/decoder.c decoder)
function(mend old new)
    string(REPLACE "${old}" "${new}" mended "${decoder}")
    if(mended STREQUAL decoder)
        message(FATAL_ERROR "nanoarrow's reader is not the one that cmake/nanoarrow.cmake mends: ${old}")
    endif()
    set(decoder "${mended}" PARENT_SCOPE)
endfunction()
set(before "  dictionary_decoder_private_data->endianness = private_data->endianness;\n")
mend("${before}" "${before}  if (record_batch == NULL) {
    ArrowErrorSet(error, \"DictionaryBatch without data\");
    return EINVAL;
  }
  dictionary->decoder.metadata_version = decoder->metadata_version;
  NANOARROW_RETURN_NOT_OK(ArrowIpcDecoderDecodeRecordBatchHeader(
      &dictionary->decoder, (flatbuffers_generic_t)record_batch, error));
")
mend("if (uncompressed_size < 0) {" "if (uncompressed_size < 0 || uncompressed_size > INT64_C(1) << 31) {")
mend("int64_t buffer_end = buffer_start + length;"
    "int64_t buffer_end = (int64_t)((uint64_t)buffer_start + (uint64_t)length);")
mend("if (buffer_start < 0 || buffer_end > setter->factory.buffer_length) {"
    "if (buffer_start < 0 || length < 0 || buffer_start > setter->factory.buffer_length ||
      length > setter->factory.buffer_length - buffer_start) {")
set(before "  array_view->length = ns(FieldNode_length(field));\n")
mend("${before}" "${before}  if (array_view->length < 0 || array_view->length >= INT64_C(1) << 40) {
    ArrowErrorSet(error, \"An array of %\" PRId64 \" elements\", array_view->length);
    return EINVAL;
  }
")
set(before "  flatbuffers_generic_t message_header = ns(Message_header_get(message));\n")
mend("${before}" "${before}  if (message_header == NULL) {
    ArrowErrorSet(error, \"Message without a header\");
    return EINVAL;
  }
")
set(before "  int type_type = ns(Field_type_type(field));\n")
mend("${before}" "${before}  if (ns(Field_type_get(field)) == NULL) {
    ArrowErrorSet(error, \"Field without a type\");
    return EINVAL;
  }
")
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/nanoarrow/decoder.c CONTENT "${decoder}" @ONLY)

set(common ${LARDER_NANOARROW}/src/nanoarrow/common)
set(ipc ${LARDER_NANOARROW}/src/nanoarrow/ipc)
set(flatcc ${LARDER_NANOARROW}/flatcc)
add_library(nanoarrow STATIC
    ${common}/array.c ${common}/array_stream.c ${common}/schema.c ${common}/utils.c
    ${ipc}/codecs.c ${PROJECT_BINARY_DIR}/nanoarrow/decoder.c ${ipc}/encoder.c ${ipc}/reader.c ${ipc}/writer.c
    ${flatcc}/src/runtime/builder.c ${flatcc}/src/runtime/emitter.c ${flatcc}/src/runtime/refmap.c
    ${flatcc}/src/runtime/verifier.c)
target_include_directories(nanoarrow SYSTEM PUBLIC ${LARDER_NANOARROW}/src ${PROJECT_BINARY_DIR}/nanoarrow
    PRIVATE ${flatcc}/include)
target_compile_definitions(nanoarrow PRIVATE _GNU_SOURCE NANOARROW_IPC_WITH_ZSTD NANOARROW_IPC_WITH_LZ4)
target_compile_options(nanoarrow PRIVATE -w)
target_link_libraries(nanoarrow PRIVATE larder_sanitizers PkgConfig::ZSTD PkgConfig::LZ4)
