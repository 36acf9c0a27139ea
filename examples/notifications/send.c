/* SPDX-License-Identifier: MIT */
#include "notifications.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <swale/json.h>

/* POST /send_notification/: a form or JSON with an optional "message", which goes to everybody. */

static const char default_text[] = "새로운 알림이 도착했습니다.";

static const char *header(struct MHD_Connection *connection, const char *name) {
  return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Any page of the web can make a browser send forms to this one; browsers then say where it came from. */
static bool is_same_origin(struct MHD_Connection *connection) {
  const char *origin = header(connection, "Origin"), *host = header(connection, "Host");
  if (!origin)
    return true;
  const char *authority = strstr(origin, "://");
  return authority && host && strcasecmp(authority + 3, host) == 0;
}

/* Answers whether a Content-Type names this media type, whatever its parameters. */
static bool is_media_type(const char *content_type, const char *media_type) {
  size_t len = strlen(media_type);
  return strncasecmp(content_type, media_type, len) == 0 && strchr("; \t", content_type[len]) != NULL;
}

/* ---- the text ---- */

/* Sends it and says to how many; an empty text is as good as none. */
static enum MHD_Result send_text(struct server *s, struct MHD_Connection *connection, const char *text,
                                 size_t len) {
  char json[64];
  swale_message *m = swale_message_new("notify");
  if (len > 0)
    swale_message_add_strn(m, "message", text, len);
  else
    swale_message_add_str(m, "message", default_text);
  int offered = swale_group_send(s->settings->layer, NOTIFICATIONS_GROUP, m);
  swale_message_unref(m);
  if (offered == SWALE_EUTF8)
    return http_refuse(connection, MHD_HTTP_BAD_REQUEST, "the message is not UTF-8");
  if (offered < 0)
    return http_refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE, swale_strerror(offered));
  snprintf(json, sizeof json, "{\"offered\":%d}", offered);
  return http_answer_json(connection, MHD_HTTP_OK, json);
}

/* ---- forms ---- */

struct field {
  char *text;
  size_t size, len;
};

/* Values come in pieces; of several messages the last one counts. */
static enum MHD_Result on_field(void *cls, enum MHD_ValueKind kind, const char *key, const char *filename,
                                const char *content_type, const char *encoding, const char *data,
                                uint64_t offset, size_t len) {
  struct field *field = cls;
  (void)kind, (void)filename, (void)content_type, (void)encoding;
  if (!key || strcmp(key, "message") != 0)
    return MHD_YES;
  if (offset > field->size || len > field->size - offset)
    return MHD_NO;
  if (len > 0)
    memcpy(field->text + offset, data, len);
  field->len = (size_t)offset + len;
  return MHD_YES;
}

static enum MHD_Result send_form(struct server *s, struct MHD_Connection *connection, const char *body,
                                 size_t len) {
  struct field field = {malloc(len + 1), len, 0}; /* a value is never longer than what it was decoded from */
  struct MHD_PostProcessor *form = MHD_create_post_processor(connection, 1024, on_field, &field);
  enum MHD_Result result;
  bool good = form && field.text && (len == 0 || MHD_post_process(form, body, len) == MHD_YES);
  if (form && MHD_destroy_post_processor(form) != MHD_YES) /* this hands over the last field */
    good = false;
  if (good)
    result = send_text(s, connection, field.text, field.len);
  else
    result = http_refuse(connection, MHD_HTTP_BAD_REQUEST, "the form is malformed");
  free(field.text);
  return result;
}

/* ---- JSON ---- */

static enum MHD_Result send_json(struct server *s, struct MHD_Connection *connection, const char *body,
                                 size_t len) {
  struct swale_json_error why;
  struct swale_value value = {.type = SWALE_STR, .as.str = ""};
  swale_message *m;
  enum MHD_Result result;
  int error = swale_json_parse(body, len, "body", NULL, NULL, &m, &why);
  if (error == SWALE_ENOMEM)
    return http_refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
  if (error < 0)
    return http_refuse(connection, MHD_HTTP_BAD_REQUEST, why.text);
  swale_message_get(m, "message", &value);
  if (value.type == SWALE_STR)
    result = send_text(s, connection, value.as.str, value.len);
  else
    result = http_refuse(connection, MHD_HTTP_BAD_REQUEST, "\"message\" is not text");
  swale_message_unref(m);
  return result;
}

enum MHD_Result send_notification(struct server *s, struct MHD_Connection *connection, const char *body,
                                  size_t len) {
  const char *type = header(connection, "Content-Type");
  if (!is_same_origin(connection))
    return http_refuse(connection, MHD_HTTP_FORBIDDEN, "pages of other origins may not send");
  if (!type && len == 0)
    return send_text(s, connection, "", 0);
  if (type && is_media_type(type, "application/json"))
    return send_json(s, connection, body, len);
  if (type && (is_media_type(type, MHD_HTTP_POST_ENCODING_FORM_URLENCODED) ||
               is_media_type(type, MHD_HTTP_POST_ENCODING_MULTIPART_FORMDATA)))
    return send_form(s, connection, body, len);
  return http_refuse(connection, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "neither a form nor JSON");
}
