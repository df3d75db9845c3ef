/* CSV in and out: base/csv.h. */
#include "base/csv.h"

#include "base_random.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct csv_reader *reader_of(struct bytes text)
{
    return csv_reader_open_bytes("rides.csv", text);
}

/* All records in a form that shows everything: "field@line:column" joined by "|", NULL for a null,
 * each record behind "/"; an error ends it. */
static const char *show_all(struct csv_reader *reader, struct buffer *shown)
{
    const struct csv_field *fields;
    struct error err;
    size_t count;
    enum status status;
    while ((status = csv_reader_next(reader, &fields, &count, &err)) == STATUS_OK && count > 0) {
        buffer_append_byte(shown, '/');
        for (size_t i = 0; i < count; i++) {
            if (i > 0)
                buffer_append_byte(shown, '|');
            if (fields[i].is_null)
                buffer_append_text(shown, "NULL");
            else
                buffer_append(shown, fields[i].text.data, fields[i].text.size);
            buffer_printf(shown, "@%llu:%u", (unsigned long long)fields[i].line, fields[i].column);
        }
    }
    if (status != STATUS_OK)
        buffer_printf(shown, "!%s %s", status_name(status), err.message);
    buffer_append_byte(shown, '\0');
    return (const char *)shown->data;
}

static void check_reads(struct bytes text, size_t expected_fields, const char *expected)
{
    struct csv_reader *reader = reader_of(text);
    struct buffer shown;
    buffer_init(&shown, 0);
    if (expected_fields > 0)
        csv_reader_expect(reader, expected_fields);
    assert_string_equal(show_all(reader, &shown), expected);
    csv_reader_close(reader);
    buffer_release(&shown);
}

static void records_are_read_with_their_places(void **state)
{
    (void)state;
    check_reads(bytes_of_text("a,b\n1,22\n"), 0, "/a@1:1|b@1:3/1@2:1|22@2:3");
    check_reads(bytes_of_text("a,b\r\n1,22"), 0, "/a@1:1|b@1:3/1@2:1|22@2:3");
    check_reads(bytes_of_text(""), 0, "");
    check_reads((struct bytes){NULL, 0}, 0, "");
    check_reads(bytes_of_text("\n\r\n\n"), 0, "");
    check_reads(bytes_of_text(" a , b "), 0, "/ a @1:1| b @1:5");
}

static void a_null_is_empty_and_without_quotes(void **state)
{
    (void)state;
    check_reads(bytes_of_text(",\"\",x\n"), 0, "/NULL@1:1|@1:2|x@1:5");
    check_reads(bytes_of_text("a,\n,b"), 0, "/a@1:1|NULL@1:3/NULL@2:1|b@2:2");
}

static void quotes_keep_commas_quotes_and_newlines(void **state)
{
    (void)state;
    check_reads(bytes_of_text("\"a,b\",\"say \"\"hi\"\"\",c\n"), 0,
                "/a,b@1:1|say \"hi\"@1:7|c@1:20");
    check_reads(bytes_of_text("\"\"\"\",\"\"\"\"\"\"\n"), 0, "/\"@1:1|\"\"@1:6");
    check_reads(bytes_of_text("\"two\nlines\",x\ny,\"a\r\nb\nc\",z\nend"), 0,
                "/two\nlines@1:1|x@2:8/y@3:1|a\r\nb\nc@3:3|z@5:4/end@6:1");
}

static void columns_count_characters(void **state)
{
    (void)state;
    check_reads(
        bytes_of_text("\xc3\xa9t\xc3\xa9,\xe2\x82\xac,x\n\"\xf0\x9f\x98\x80\n\xc3\xa9\",y"), 0,
        "/\xc3\xa9t\xc3\xa9@1:1|\xe2\x82\xac@1:5|x@1:7/\xf0\x9f\x98\x80\n\xc3\xa9@2:1|y@3:4");
}

static void a_byte_order_mark_is_skipped(void **state)
{
    (void)state;
    check_reads(bytes_of_text("\xef\xbb\xbf"
                              "a,b"),
                0, "/a@1:1|b@1:3");
    check_reads(bytes_of_text("\xef\xbb\xbf"), 0, "");
    check_reads(bytes_of_text("x\n\xef\xbb\xbfy"), 0, "/x@1:1/\xef\xbb\xbfy@2:1");
}

static void blank_lines_are_skipped_but_for_one_column(void **state)
{
    (void)state;
    check_reads(bytes_of_text("a,b\n\n\r\n1,2\n\n"), 2, "/a@1:1|b@1:3/1@4:1|2@4:3");
    check_reads(bytes_of_text("1\n\n2\n\r\n"), 1, "/1@1:1/NULL@2:1/2@3:1/NULL@4:1");
    check_reads(bytes_of_text("\"\"\n"), 0, "/@1:1");
}

static void wrong_quotes_are_refused_where_they_stand(void **state)
{
    (void)state;
    check_reads(bytes_of_text("a\nb,\"never\nclosed"), 0,
                "/a@1:1!INVALID rides.csv:2:3: this quote is never closed");
    check_reads(bytes_of_text("\"\xc3\xa9\nb\"x"), 0,
                "!INVALID rides.csv:2:3: text behind the closing quote of a field");
    check_reads(bytes_of_text("\"a\" ,b"), 0,
                "!INVALID rides.csv:1:4: text behind the closing quote of a field");
    check_reads(bytes_of_text("5\" pipe"), 0,
                "!INVALID rides.csv:1:2: a quote in a field that does not begin with one: put the "
                "whole field into quotes and double the quotes inside");
    check_reads(bytes_of_text("\""), 0, "!INVALID rides.csv:1:1: this quote is never closed");
}

static void a_lone_carriage_return_is_refused(void **state)
{
    (void)state;
    const char *message =
        "!INVALID rides.csv:1:2: a carriage return without a line feed behind it: "
        "lines end in LF or CRLF; inside a field it needs quotes";
    check_reads(bytes_of_text("a\rb\n"), 0, message);
    check_reads(bytes_of_text("a\r"), 0, message);
    check_reads(bytes_of_text("\"a\rb\"\r\n"), 0, "/a\rb@1:1");
}

static void bytes_that_are_no_text_are_refused_where_they_stand(void **state)
{
    (void)state;
    check_reads(
        bytes_of_text("a,b\n\"x\n\xc3\xa9\",\xff\n"), 0,
        "/a@1:1|b@1:3!INVALID rides.csv:3:4: a byte that is not UTF-8: save the file as UTF-8");
    check_reads((struct bytes){"ab,c\0d\n", 7}, 0,
                "!INVALID rides.csv:1:5: a NUL byte, which no text may hold");
    check_reads(bytes_of_text("a\xc3"), 0,
                "!INVALID rides.csv:1:2: a byte that is not UTF-8: save the file as UTF-8");
}

static void records_of_another_length_are_refused(void **state)
{
    (void)state;
    check_reads(bytes_of_text("1,2\n3\n"), 2,
                "/1@1:1|2@1:3!INVALID rides.csv:2:1: the record is too short: 1 fields, where the "
                "header has 2");
    check_reads(bytes_of_text("1,2\n3,\"4\n\",5,6\n"), 2,
                "/1@1:1|2@1:3!INVALID rides.csv:3:3: the record is too long: 4 fields, where the "
                "header has 2");
}

static void an_error_stays(void **state)
{
    (void)state;
    struct csv_reader *reader = reader_of(bytes_of_text("a,b\n1\n2,3\n"));
    const struct csv_field *fields;
    struct error err;
    size_t count;
    assert_int_equal(csv_reader_next(reader, &fields, &count, &err), STATUS_OK);
    csv_reader_expect(reader, count);
    for (int i = 0; i < 3; i++)
        assert_int_equal(csv_reader_next(reader, &fields, &count, &err), STATUS_INVALID);
    csv_reader_close(reader);
    csv_reader_close(NULL);
}

static void too_many_fields_are_refused(void **state)
{
    (void)state;
    char *text = malloc(CSV_FIELDS_MAX + 1);
    memset(text, ',', CSV_FIELDS_MAX + 1);
    struct csv_reader *reader = reader_of((struct bytes){text, CSV_FIELDS_MAX - 1});
    const struct csv_field *fields;
    struct error err;
    size_t count;
    assert_int_equal(csv_reader_next(reader, &fields, &count, &err), STATUS_OK);
    assert_int_equal(count, CSV_FIELDS_MAX);
    assert_int_equal(fields[CSV_FIELDS_MAX - 1].column, CSV_FIELDS_MAX);
    csv_reader_close(reader);
    reader = reader_of((struct bytes){text, CSV_FIELDS_MAX});
    assert_int_equal(csv_reader_next(reader, &fields, &count, &err), STATUS_EXHAUSTED);
    csv_reader_close(reader);
    text[CSV_FIELDS_MAX - 1] = '"'; /* a mistake in the last field that may be */
    reader = reader_of((struct bytes){text, CSV_FIELDS_MAX});
    assert_int_equal(csv_reader_next(reader, &fields, &count, &err), STATUS_INVALID);
    csv_reader_close(reader);
    free(text);
}

static void records_and_bytes_are_counted(void **state)
{
    (void)state;
    struct csv_reader *reader = reader_of(bytes_of_text("\xef\xbb\xbf"
                                                        "a\n1\n\n2\n"));
    const struct csv_field *fields;
    size_t count;
    assert_int_equal(csv_reader_next(reader, &fields, &count, NULL), STATUS_OK);
    assert_int_equal(csv_reader_record_count(reader), 1);
    csv_reader_expect(reader, 1);
    assert_int_equal(csv_reader_record_count(reader), 0);
    do
        assert_int_equal(csv_reader_next(reader, &fields, &count, NULL), STATUS_OK);
    while (count > 0);
    assert_int_equal(csv_reader_record_count(reader), 3);
    assert_int_equal(csv_reader_byte_count(reader), 10);
    assert_string_equal(csv_reader_name(reader), "rides.csv");
    csv_reader_close(reader);
}

/* Files -----------------------------------------------------------------------------------------
 */

struct file {
    char path[64];
};

static struct file file_of(struct bytes text)
{
    struct file file = {"/tmp/larder_test_csv_XXXXXX"};
    int fd = mkstemp(file.path);
    FILE *stream = fdopen(fd, "w");
    assert_non_null(stream);
    assert_int_equal(fwrite(text.data, 1, text.size, stream), text.size);
    assert_int_equal(fclose(stream), 0);
    return file;
}

/* Records of every kind, with their ends at all places of the reader's buffer. */
static void append_random_record(struct random_source *source, struct buffer *csv, size_t count)
{
    static const char *const texts[] = {
        "",    "a",     "\"",       "\"\"",          "two\nlines", "\r\n",       ",",   " ",
        "\\.", "plain", "\xc3\xa9", "\xe2\x82\xac,", "1234",       "\"quoted\"", "x\r", "12,5"};
    for (size_t i = 0; i < count; i++) {
        uint64_t choice = random_below(source, COUNT_OF(texts) + 1);
        if (choice == COUNT_OF(texts))
            csv_append_null(csv, i == 0);
        else
            csv_append(csv, i == 0, bytes_of_text(texts[choice]));
    }
    if (random_below(source, 500) == 0) { /* now and then a long one */
        char *text = malloc(400000);
        memset(text, "a\n\""[random_below(source, 3)], 400000);
        csv_append(csv, false, (struct bytes){text, random_below(source, 400000)});
        free(text);
    } else {
        csv_append(csv, false, bytes_of_text("end"));
    }
    csv_append_end(csv);
}

static void check_same_from_file_and_memory(struct bytes text, const char *path)
{
    struct buffer from_file, from_memory;
    struct csv_reader *reader;
    struct error err;
    buffer_init(&from_file, 0);
    buffer_init(&from_memory, 0);
    assert_int_equal(csv_reader_open(path, &reader, &err), STATUS_OK);
    show_all(reader, &from_file);
    assert_int_equal(csv_reader_byte_count(reader), text.size);
    csv_reader_close(reader);
    reader = csv_reader_open_bytes(path, text);
    show_all(reader, &from_memory);
    csv_reader_close(reader);
    assert_true(bytes_equal(buffer_bytes(&from_file), buffer_bytes(&from_memory)));
    buffer_release(&from_file);
    buffer_release(&from_memory);
}

static void a_file_reads_like_memory(void **state)
{
    (void)state;
    struct random_source source = {12};
    for (int round = 0; round < 3; round++) {
        struct buffer csv;
        buffer_init(&csv, 0);
        for (int i = 0; i < 20000; i++)
            append_random_record(&source, &csv, 4);
        struct file file = file_of(buffer_bytes(&csv));
        check_same_from_file_and_memory(buffer_bytes(&csv), file.path);
        unlink(file.path);
        buffer_release(&csv);
    }
}

struct slow_pipe {
    int fd;
    struct bytes text;
};

static void *write_byte_by_byte(void *argument)
{
    const struct slow_pipe *slow = argument;
    for (size_t i = 0; i < slow->text.size; i++)
        if (write(slow->fd, (const char *)slow->text.data + i, 1) != 1)
            break;
    close(slow->fd);
    return NULL;
}

static void what_trickles_in_reads_like_memory(void **state)
{
    (void)state;
    struct buffer csv;
    buffer_init(&csv, 0);
    buffer_append_text(&csv, "\xef\xbb\xbf");
    for (int i = 0; i < 100; i++) {
        csv_append(&csv, true, bytes_of_text("\"\xc3\xa9\""));
        csv_append(&csv, false, bytes_of_text("a\r\nb"));
        csv_append_end(&csv);
    }
    int ends[2];
    pthread_t writer;
    char path[64];
    assert_int_equal(pipe(ends), 0);
    struct slow_pipe slow = {ends[1], buffer_bytes(&csv)};
    assert_int_equal(pthread_create(&writer, NULL, write_byte_by_byte, &slow), 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    check_same_from_file_and_memory(buffer_bytes(&csv), path);
    pthread_join(writer, NULL);
    close(ends[0]);
    buffer_release(&csv);
}

static void a_file_that_is_not_there_says_so(void **state)
{
    (void)state;
    struct csv_reader *reader;
    struct error err;
    assert_int_equal(csv_reader_open("/nowhere/rides.csv", &reader, &err), STATUS_NOT_FOUND);
    assert_string_equal(err.message, "cannot read /nowhere/rides.csv: No such file or directory");
    assert_int_equal(csv_reader_open("/tmp", &reader, &err), STATUS_FAILED);
    assert_string_equal(err.message, "/tmp is a folder, not a file of rows");
}

static void a_record_without_end_is_refused_in_bounded_memory(void **state)
{
    (void)state;
    /* A file with holes: gigabytes of NUL behind an open quote, which take no room on the disk. */
    struct file file = file_of(bytes_of_text("a\n\""));
    struct csv_reader *reader;
    const struct csv_field *fields;
    struct error err;
    size_t count;
    assert_int_equal(truncate(file.path, (off_t)4 << 30), 0);
    assert_int_equal(csv_reader_open(file.path, &reader, &err), STATUS_OK);
    assert_int_equal(csv_reader_next(reader, &fields, &count, &err), STATUS_OK);
    assert_int_equal(csv_reader_next(reader, &fields, &count, &err), STATUS_EXHAUSTED);
    assert_non_null(strstr(err.message, ":2:1: a record of over 64 MiB"));
    csv_reader_close(reader);
    unlink(file.path);
}

/* Writing ---------------------------------------------------------------------------------------
 */

static void check_written(const char *text, const char *expected)
{
    struct buffer csv;
    buffer_init(&csv, 0);
    csv_append(&csv, true, bytes_of_text(text));
    buffer_append_byte(&csv, '\0');
    assert_string_equal((const char *)csv.data, expected);
    buffer_release(&csv);
}

static void fields_are_quoted_exactly_when_they_must_be(void **state)
{
    (void)state;
    check_written("plain text", "plain text");
    check_written("", "\"\"");
    check_written("a,b", "\"a,b\"");
    check_written("say \"hi\"", "\"say \"\"hi\"\"\"");
    check_written("a\nb", "\"a\nb\"");
    check_written("a\rb", "\"a\rb\"");
    check_written(" a", "\" a\"");
    check_written("a ", "\"a \"");
    check_written("\\.", "\"\\.\"");
    check_written("\\.x", "\\.x");
    check_written("\\x00ff", "\\x00ff");
    check_written("[1,2]", "\"[1,2]\"");
    check_written("\xc3\xa9", "\xc3\xa9");
    check_written("\xef\xbb\xbf", "\"\xef\xbb\xbf\""); /* or it were taken for a byte order mark */
}

static void a_record_is_a_line_with_commas(void **state)
{
    (void)state;
    struct buffer csv;
    buffer_init(&csv, 0);
    csv_append_null(&csv, true);
    csv_append(&csv, false, bytes_of_text("x"));
    csv_append_null(&csv, false);
    csv_append_end(&csv);
    assert_int_equal(csv.size, 4);
    assert_memory_equal(csv.data, ",x,\n", 4);
    buffer_release(&csv);
}

/* Any table: what is written is read, nulls apart from empty strings. */
static void any_table_comes_back(void **state)
{
    (void)state;
    struct random_source source = {14};
    static const char letters[] = {'a', ',', '"', '\n', '\r', ' ', '\\', '.', 0x01, 'z'};
    for (int round = 0; round < 20000; round++) {
        char texts[6][8];
        struct bytes fields[6];
        size_t count = 1 + random_below(&source, 3), records = 2;
        struct buffer csv;
        buffer_init(&csv, 0);
        for (size_t i = 0; i < count * records; i++) {
            fields[i] = (struct bytes){texts[i], random_below(&source, 5)};
            for (size_t j = 0; j < fields[i].size; j++)
                texts[i][j] = letters[random_below(&source, sizeof letters)];
            if (random_below(&source, 4) == 0)
                fields[i].data = NULL;
            if (fields[i].data)
                csv_append(&csv, i % count == 0, fields[i]);
            else
                csv_append_null(&csv, i % count == 0);
            if (i % count == count - 1)
                csv_append_end(&csv);
        }
        struct csv_reader *reader = reader_of(buffer_bytes(&csv));
        csv_reader_expect(reader, count);
        for (size_t i = 0; i < count * records; i += count) {
            const struct csv_field *found;
            size_t found_count;
            assert_int_equal(csv_reader_next(reader, &found, &found_count, NULL), STATUS_OK);
            assert_int_equal(found_count, count);
            for (size_t j = 0; j < count; j++) {
                assert_int_equal(found[j].is_null, fields[i + j].data == NULL);
                assert_true(found[j].is_null || bytes_equal(found[j].text, fields[i + j]));
            }
        }
        csv_reader_close(reader);
        buffer_release(&csv);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_read_with_their_places),
        cmocka_unit_test(a_null_is_empty_and_without_quotes),
        cmocka_unit_test(quotes_keep_commas_quotes_and_newlines),
        cmocka_unit_test(columns_count_characters),
        cmocka_unit_test(a_byte_order_mark_is_skipped),
        cmocka_unit_test(blank_lines_are_skipped_but_for_one_column),
        cmocka_unit_test(wrong_quotes_are_refused_where_they_stand),
        cmocka_unit_test(a_lone_carriage_return_is_refused),
        cmocka_unit_test(bytes_that_are_no_text_are_refused_where_they_stand),
        cmocka_unit_test(records_of_another_length_are_refused),
        cmocka_unit_test(an_error_stays),
        cmocka_unit_test(too_many_fields_are_refused),
        cmocka_unit_test(records_and_bytes_are_counted),
        cmocka_unit_test(a_file_reads_like_memory),
        cmocka_unit_test(what_trickles_in_reads_like_memory),
        cmocka_unit_test(a_file_that_is_not_there_says_so),
        cmocka_unit_test(a_record_without_end_is_refused_in_bounded_memory),
        cmocka_unit_test(fields_are_quoted_exactly_when_they_must_be),
        cmocka_unit_test(a_record_is_a_line_with_commas),
        cmocka_unit_test(any_table_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
