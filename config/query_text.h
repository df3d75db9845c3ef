/*
 * query_text.h - whether a text can be a source's query or table, as far as that shows without a
 * database. A query is put in parentheses and selected from, so it must be one statement that keeps
 * its own quotes, comments and parentheses closed. PostgreSQL judges all the rest.
 */
#ifndef LARDER_CONFIG_QUERY_TEXT_H
#define LARDER_CONFIG_QUERY_TEXT_H

/* What is wrong ("must begin with SELECT or WITH"), or NULL. */
const char *query_text_mistake(const char *query);
/* The same for "schema.table" or "table". */
const char *table_text_mistake(const char *table);

#endif
