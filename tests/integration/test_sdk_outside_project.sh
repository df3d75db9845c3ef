#!/bin/sh
# Installs liblarder from BUILD into a folder of its own and uses it as a stranger would: by CMake, by
# pkg-config, from C++; and looks at the symbols that it lets out.
# With LARDER_TEST_TARGET=host:port and LARDER_TEST_ASK="service key=text", asks that server, too.
# usage: test_sdk_outside_project.sh BUILD SOURCE
set -eu
build=$1
source=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
root=$folder/root

fail()
{
    echo "test_sdk_outside_project: $*" >&2
    exit 1
}

# An example that works says so for --help, and tells in words that nobody listens on port 1.
try_example()
{
    "$1" --help | grep -q '^usage: ' || fail "$1 --help"
    code=0
    "$1" 127.0.0.1:1 service key=value 2>"$folder/words" || code=$?
    [ "$code" = 1 ] || fail "$1 exits $code where nobody listens"
    grep -q 'UNAVAILABLE: no server answers at 127.0.0.1:1 ' "$folder/words" || fail "$(cat "$folder/words")"
    if [ -n "${LARDER_TEST_TARGET:-}" ]; then
        "$1" "$LARDER_TEST_TARGET" $LARDER_TEST_ASK
    fi
}

cmake --install "$build" --component sdk --prefix "$folder/first" >"$folder/log" || fail "$(cat "$folder/log")"
mv "$folder/first" "$root" # what is installed may be moved

cmake -G Ninja -S "$source/sdk/c/examples" -B "$folder/build" -DCMAKE_PREFIX_PATH="$root" \
    >"$folder/log" 2>&1 &&
    cmake --build "$folder/build" >>"$folder/log" 2>&1 || fail "$(cat "$folder/log")"
try_example "$folder/build/get_features"

library=$(dirname "$(find "$root" -name 'liblarder.so')")
export PKG_CONFIG_PATH="$library/pkgconfig"
cc -std=c99 -Wall -Wextra -Wpedantic -Werror "$source/sdk/c/examples/get_features.c" \
    $(pkg-config --cflags --libs larder) -Wl,-rpath,"$library" -o "$folder/get_features"
try_example "$folder/get_features"

if command -v c++ >/dev/null; then
    echo '#include <larder/larder.h>' | c++ -x c++ -Wall -Wextra -Werror -fsyntax-only \
        $(pkg-config --cflags larder) -
fi

# Exactly the functions of the header are to be seen.
nm -D --defined-only "$library/liblarder.so" | awk '$2 != "A" { print $3 }' | sort >"$folder/seen"
sed -n '/^LARDER_API/,/;/p' "$root/include/larder/larder.h" |
    grep -o 'larder_[a-z_]*(' | tr -d '(' | sort -u >"$folder/declared"
diff "$folder/declared" "$folder/seen" || fail "symbols (>) are not what the header declares (<)"
[ "$(wc -l <"$folder/seen")" -gt 30 ] || fail "too few symbols were found to be true"
readlink -f "$library/liblarder.so" | grep -q 'liblarder\.so\.[0-9.]*$' || fail "no version"
