/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-hub-outbox.c: what leaves the hub: texts and closes for connections, and events. */

#include "signaling/hub/dc-hub-private.h"

#include <string.h>

/*
 * Theory of operation. The vfuncs of connections are never called from the middle of anything. What is to be sent or closed is
 * queued in the outbox, and the outermost public function has it all called when the state is whole (dc_hub_deliver_posts()). So a
 * vfunc may detach its connection at once when its socket turns out to be broken; what that causes is queued behind the rest.
 *
 * Texts are shared references; a number is put in when the text goes out, behind the type, where dc_message_to_json() writes it too.
 */

/* One vfunc call that is due. */
typedef struct {
  DcHubConnection *connection;
  char *text; /* GRefString; NULL: close */
  guint64 seq;
  DcCode code;
  char *reason;
} Post;

static void
post_free (Post *post)
{
  g_clear_pointer (&post->text, g_ref_string_release);
  g_free (post->reason);
  g_free (post);
}

void
dc_hub_queue_text (DcHub *hub, DcHubConnection *connection, const char *text, guint64 seq)
{
  Post *post = g_new0 (Post, 1);

  post->connection = connection;
  post->text = g_ref_string_acquire ((char *) text);
  post->seq = seq;
  g_queue_push_tail (&hub->outbox, post);
}

void
dc_hub_queue_message (DcHub *hub, DcHubConnection *connection, const DcMessage *message)
{
  g_autofree char *json = dc_message_to_json (message);
  char *text = g_ref_string_new (json);

  dc_hub_queue_text (hub, connection, text, 0);
  g_ref_string_release (text);
}

void
dc_hub_queue_close (DcHub *hub, DcHubConnection *connection, DcCode code, const char *reason)
{
  Post *post = g_new0 (Post, 1);

  connection->closed = TRUE;
  post->connection = connection;
  post->code = code;
  post->reason = g_strdup (reason);
  g_queue_push_tail (&hub->outbox, post);
}

void
dc_hub_stamp (const char *text, guint64 seq, GString *out)
{
  g_string_truncate (out, 0);
  if (seq > 0) {
    /* The comma behind the type: no type has one, and everything that is numbered has more members. */
    const char *rest = strchr (text, ',') + 1;
    g_string_append_len (out, text, rest - text);
    g_string_append_printf (out, "\"seq\":%" G_GUINT64_FORMAT ",", seq);
    text = rest;
  }
  g_string_append (out, text);
}

static void
deliver (DcHub *hub, const Post *post)
{
  DcHubConnection *connection = post->connection;

  if (!post->text) {
    connection->klass->close (connection, post->code, post->reason);
    return;
  }
  dc_hub_stamp (post->text, post->seq, hub->scratch);
  connection->klass->send (connection, hub->scratch->str, hub->scratch->len, post->seq);
}

/* The connection is about to be freed: nothing may reach it any more. */
void
dc_hub_forget_posts (DcHub *hub, DcHubConnection *connection)
{
  for (GList *l = hub->outbox.head, *next; l; l = next) {
    Post *post = l->data;
    next = l->next;
    if (post->connection == connection) {
      g_queue_delete_link (&hub->outbox, l);
      post_free (post);
    }
  }
}

void
dc_hub_deliver_posts (DcHub *hub)
{
  Post *post;

  while ((post = g_queue_pop_head (&hub->outbox))) {
    deliver (hub, post);
    post_free (post);
  }
}

/* ---- What is told ---- */

void
dc_hub_emit (DcHub *hub, DcHubEventKind kind, DcHubSession *session, DcHubConnection *connection, const char *detail)
{
  DcHubEvent event = {
      .kind = kind,
      .peer = session ? session->id : NULL,
      .room = session ? session->room->name : NULL,
      .origin = connection ? connection->origin : NULL,
      .detail = detail,
  };

  if (hub->event_func)
    hub->event_func (&event, hub->user_data);
}

void
dc_hub_refuse (DcHub *hub, DcHubConnection *connection, const DcRefusal *refusal, const char *format, ...)
{
  g_autoptr (DcMessage) error = dc_message_new (DC_MESSAGE_ERROR);
  DcHubSession *session = connection->session;
  va_list args;

  va_start (args, format);
  error->message = g_strdup_vprintf (format, args);
  va_end (args);
  error->code = refusal->code;
  error->seq = refusal->seq;
  error->to = g_strdup (refusal->to);
  dc_hub_queue_message (hub, connection, error);
  hub->stats.refused++;
  if (hub->event_func) {
    DcHubEvent event = {
        .kind = DC_HUB_EVENT_REFUSED,
        .peer = session ? session->id : NULL,
        .room = session ? session->room->name : NULL,
        .to = refusal->to,
        .origin = connection->origin,
        .detail = error->message,
        .code = refusal->code,
    };
    hub->event_func (&event, hub->user_data);
  }
}
