/* SPDX-License-Identifier: MIT */
#include "json/error.h"

#include <stdio.h>
#include <string.h>

static const struct {
  enum json_error_code theirs;
  int ours;
} meanings[] = {
    {json_error_unknown, SWALE_ENOMEM}, /* where jansson has no memory, it mostly says nothing */
    {json_error_out_of_memory, SWALE_ENOMEM},
    {json_error_stack_overflow, SWALE_EDEPTH},
    {json_error_invalid_utf8, SWALE_EUTF8},
    {json_error_duplicate_key, SWALE_EDUPLICATE},
    {json_error_numeric_overflow, SWALE_ETYPE},
    {json_error_premature_end_of_input, SWALE_EFORMAT},
    {json_error_end_of_input_expected, SWALE_EFORMAT},
    {json_error_invalid_syntax, SWALE_EFORMAT},
    {json_error_null_byte_in_key, SWALE_EFORMAT},
};

static int meaning_of(enum json_error_code code) {
  for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
    if (meanings[i].theirs == code)
      return meanings[i].ours;
  return SWALE_EFORMAT;
}

int swale__json_fail(struct swale_json_error *why, int error, size_t position, const char *text) {
  if (why) {
    why->error = error;
    why->position = position;
    snprintf(why->text, sizeof why->text, "%s", text);
  }
  return error;
}

/* jansson's text ends in a quotation from the input, unless that has ended: "']' expected near '}'". */
static int own_words(const json_error_t *from) {
  const char *quotation = strstr(from->text, " near '");
  return (int)(quotation ? (size_t)(quotation - from->text) : strlen(from->text));
}

int swale__json_fail_jansson(struct swale_json_error *why, const json_error_t *from) {
  int error = meaning_of(json_error_code(from));
  if (error == SWALE_ENOMEM)
    return swale__json_fail(why, error, 0, swale_strerror(error));
  if (why) {
    why->error = error;
    why->position = from->position > 0 ? (size_t)from->position : 0;
    snprintf(why->text, sizeof why->text, "%.*s (line %d, column %d)", own_words(from), from->text,
             from->line, from->column);
  }
  return error;
}
