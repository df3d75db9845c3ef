# cmake -DBYTES=file -DSOURCE=file.c -DHEADER=folder/name.h -P embed.cmake
#
# Writes a C source that defines what the header declares: folder_name, the bytes of the file, and
# folder_name_size.
string(REGEX REPLACE "\\.h$" "" name ${HEADER})
string(MAKE_C_IDENTIFIER ${name} name)
file(READ ${BYTES} bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${SOURCE} "#include \"${HEADER}\"\n\nconst unsigned char ${name}[] = {${bytes}};\n"
    "const size_t ${name}_size = sizeof ${name};\n")
