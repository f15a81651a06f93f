/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cmd-call.c: dcpeer offer and dcpeer answer: the same but for who calls and when it is over.
 *
 * Threads: the main thread runs the main loop, for the signals of the operating system; the "calls" thread waits for
 * channels and runs the talks, each in a thread of its own if there are several labels; DcPeer's worker emits "event".
 * An interruption comes in on the main thread, makes the peer and the talk flush, and that ends the calls thread,
 * which quits the main loop. Only then the peer is stopped.
 *
 * --manual: the main thread reads what is pasted too; our own description goes to stdout, alone, and all the rest to
 * stderr. If the input ends, and nothing in it could be used, nothing can come any more.
 *
 * The exit status is the outcome of the only call (offer, answer --once), or of the waiting (answer).
 */
#include "apps/dcpeer.h"

#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include "apps/options.h"
#include "apps/paste.h"
#include "apps/talk.h"
#include "apps/trace.h"
#include "plugins/peer/dc-peer.h"

typedef struct {
  DcCommand command;
  const DcOptions *options;
  DcTrace *trace;
  DcPeer *peer;
  DcPaste *paste;     /* (nullable); main thread */
  guint output_watch; /* likewise; 0: its reader has gone */
  GMainLoop *loop;
  int status; /* of the calls thread; read after it was joined */

  GMutex lock;           /* for all below */
  GPtrArray *talks;      /* (element-type DcTalk): under way */
  int interrupted;       /* the signal, or 0 */
  gboolean in_call;      /* interrupted while a talk was under way */
  char *pair;            /* (nullable): the kind of way that was selected last */
  char *open_peer;       /* (nullable): whose channel was handed out: its talk will tell how it ends */
  guint brought;         /* manual: descriptions that were pasted and not refused */
  gboolean input_ended;  /* manual: no more will come */
  GError *attempt_error; /* answer --once, manual: why the only call came to nothing */
} Call;

/* Events, on the worker thread. */

static char *
describe_pair (const GstStructure *event)
{
  const char *local = gst_structure_get_string (event, "local-type");
  const char *remote = gst_structure_get_string (event, "remote-type");
  const char *protocol = gst_structure_get_string (event, "local-protocol");
  gboolean relayed = g_strcmp0 (local, "relay") == 0 || g_strcmp0 (remote, "relay") == 0;
  return g_strdup_printf (
      "%s (%s to %s over %s)", relayed ? "relayed" : "direct", local, remote, protocol != NULL ? protocol : "?");
}

static gboolean
makes_one_call (const Call *call)
{
  return call->command == DC_COMMAND_OFFER || call->options->once || call->options->manual;
}

/* An answerer's call ended before its channel was handed out: said, or the end, if there is no other. */
static void
attempt_failed_locked (Call *call, const GstStructure *event)
{
  const char *reason = gst_structure_get_string (event, "reason");
  int code = -1;
  if (!gst_structure_get_int (event, "code", &code) || code < 0)
    code = DC_ERROR_CONNECTION;
  GError *error = g_error_new_literal (DC_ERROR, code, reason != NULL ? reason : "the call came to nothing");
  if (makes_one_call (call) && call->attempt_error == NULL) {
    call->attempt_error = error;
    dc_peer_set_flushing (call->peer, TRUE);
    return;
  }
  dc_trace_error (call->trace, error);
  g_error_free (error);
}

/* Manual: neither did the input have a description that can be used, nor will it. */
static void
check_input_locked (Call *call)
{
  const char *file = call->options->remote_file;
  if (!call->input_ended || call->brought > 0 || call->attempt_error != NULL)
    return;
  call->attempt_error = g_error_new (DC_ERROR, DC_ERROR_CONNECTION,
      "%s has ended, and the %s of the other side was not in it; start anew, and %s",
      file != NULL ? file : "standard input", call->command == DC_COMMAND_OFFER ? "answer" : "offer",
      file != NULL ? "write it there" : "paste it there, or name a file for it with --remote");
  dc_peer_set_flushing (call->peer, TRUE);
}

static void
note_closed_locked (Call *call, const GstStructure *event)
{
  if (g_strcmp0 (gst_structure_get_string (event, "peer"), call->open_peer) == 0)
    g_clear_pointer (&call->open_peer, g_free);
  else if (call->command == DC_COMMAND_ANSWER && call->interrupted == 0)
    attempt_failed_locked (call, event);
}

static void
event_cb (DcPeer *peer, const GstStructure *event, gpointer user_data)
{
  Call *call = user_data;
  dc_trace_event (call->trace, gst_structure_copy (event), DC_TRACE_NO_WAIT);
  g_mutex_lock (&call->lock);
  if (gst_structure_has_name (event, "selected-pair")) {
    g_free (call->pair);
    call->pair = describe_pair (event);
  } else if (gst_structure_has_name (event, "connection-closed")) {
    note_closed_locked (call, event);
  } else if (gst_structure_has_name (event, "description-refused")) {
    call->brought--;
    check_input_locked (call);
  }
  g_mutex_unlock (&call->lock);
}

static void
channel_cb (DcPeer *peer, DcChannel *channel, gpointer user_data)
{
  Call *call = user_data;
  g_mutex_lock (&call->lock);
  g_free (call->open_peer);
  call->open_peer = g_strdup (dc_channel_get_remote_id (channel));
  g_mutex_unlock (&call->lock);
}

/* Interruptions, on the main thread. */

static const char *
interruption_reason (int number)
{
  return number == SIGINT    ? "interrupted by the user"
         : number == SIGPIPE ? "nobody reads its output any more"
                             : "asked to end";
}

static void
interrupted_cb (int number, gpointer user_data)
{
  Call *call = user_data;
  g_mutex_lock (&call->lock);
  if (call->interrupted == 0)
    call->interrupted = number;
  g_autoptr (GPtrArray) talks = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_talk_unref);
  for (guint i = 0; i < call->talks->len; i++)
    g_ptr_array_add (talks, dc_talk_ref (g_ptr_array_index (call->talks, i)));
  call->in_call = call->in_call || talks->len > 0;
  g_mutex_unlock (&call->lock);

  for (guint i = 0; i < talks->len; i++)
    dc_talk_interrupt (g_ptr_array_index (talks, i), interruption_reason (number));
  dc_peer_set_flushing (call->peer, TRUE);
  /* It may have changed the terminal, and the next interruption ends us at once. */
  g_clear_pointer (&call->paste, dc_paste_free);
}

static gboolean
output_broken_idle (gpointer user_data)
{
  interrupted_cb (SIGPIPE, user_data);
  return G_SOURCE_REMOVE;
}

static void
output_broken_cb (gpointer user_data)
{
  g_idle_add (output_broken_idle, user_data);
}

/* The calls thread. */

/* Makes @talk the one that an interruption ends; one that came before does so now. */
static void
begin_talk (Call *call, DcTalk *talk)
{
  g_mutex_lock (&call->lock);
  int number = call->interrupted;
  g_ptr_array_add (call->talks, talk);
  g_mutex_unlock (&call->lock);
  if (number != 0)
    dc_talk_interrupt (talk, interruption_reason (number));
}

static void
end_talk (Call *call, DcTalk *talk)
{
  GstStructure *summary = dc_talk_summarize (talk);
  g_mutex_lock (&call->lock);
  g_ptr_array_remove_fast (call->talks, talk);
  if (call->pair != NULL)
    gst_structure_set (summary, "pair", G_TYPE_STRING, call->pair, NULL);
  g_mutex_unlock (&call->lock);
  dc_trace_event (call->trace, summary, DC_TRACE_NO_WAIT);
}

/* The exit status of what ended with @error: an interruption is told by its signal and without a sentence. */
static int
settle (Call *call, const GError *error)
{
  g_mutex_lock (&call->lock);
  int number = call->interrupted;
  gboolean only_waiting = call->command == DC_COMMAND_ANSWER && !call->in_call;
  g_autoptr (GError) attempt_error = g_steal_pointer (&call->attempt_error);
  g_mutex_unlock (&call->lock);

  if (number != 0 && g_error_matches (error, DC_ERROR, DC_ERROR_FLUSHING))
    return only_waiting ? DC_EXIT_DONE : DC_EXIT_SIGNAL + number;
  return dc_trace_error (call->trace, attempt_error != NULL ? attempt_error : error);
}

static int
talk_on (Call *call, DcChannel *channel)
{
  g_autofree char *own_id = dc_peer_dup_id (call->peer);
  g_autoptr (DcTalk) talk = dc_talk_new (channel, own_id != NULL ? own_id : "?", call->options, call->trace);
  g_autoptr (GError) error = NULL;
  begin_talk (call, talk);
  gboolean complete = dc_talk_run (talk, &error);
  end_talk (call, talk);
  return complete ? DC_EXIT_DONE : settle (call, error);
}

static gboolean
quit_idle (gpointer user_data)
{
  g_main_loop_quit (user_data);
  return G_SOURCE_REMOVE;
}

static gboolean
is_over (Call *call)
{
  g_mutex_lock (&call->lock);
  gboolean over = makes_one_call (call) || call->interrupted != 0;
  g_mutex_unlock (&call->lock);
  return over;
}

typedef struct {
  Call *call;
  DcChannel *channel;
  int status;
} Line;

static gpointer
line_thread (gpointer data)
{
  Line *line = data;
  line->status = talk_on (line->call, line->channel);
  return NULL;
}

/* One channel of each label, all at once. FALSE: there is no (further) call. */
static gboolean
serve_call (Call *call)
{
  guint n = g_strv_length (call->options->labels);
  g_autofree Line *lines = g_new0 (Line, n);
  g_autofree GThread **threads = g_new0 (GThread *, n);
  g_autoptr (GError) error = NULL;
  for (guint i = 0; i < n && error == NULL; i++) {
    lines[i] = (Line){call, dc_peer_wait_channel (call->peer, call->options->labels[i], &error), DC_EXIT_DONE};
    if (lines[i].channel != NULL)
      threads[i] = g_thread_new ("talk", line_thread, &lines[i]);
  }
  call->status = error != NULL ? settle (call, error) : DC_EXIT_DONE;
  for (guint i = 0; i < n && lines[i].channel != NULL; i++) {
    g_thread_join (threads[i]);
    call->status = call->status != DC_EXIT_DONE ? call->status : lines[i].status;
    g_object_unref (lines[i].channel);
  }
  return error == NULL;
}

static gpointer
calls_thread (gpointer data)
{
  Call *call = data;
  while (serve_call (call) && !is_over (call))
    ;
  g_idle_add (quit_idle, call->loop);
  return NULL;
}

static DcPeer *
make_peer (DcCommand command, const DcOptions *options)
{
  return g_object_new (DC_TYPE_PEER, "signaling", options->signaling, "room", options->room, "id", options->id,
      "remote-peer", options->to, "role", command == DC_COMMAND_OFFER ? DC_ROLE_OFFERER : DC_ROLE_ANSWERER,
      "stun-server", options->stun_servers, "turn-servers", options->turn_servers, "use-turn", !options->no_turn,
      "ice-transport-policy", options->relay_only ? DC_ICE_POLICY_RELAY : DC_ICE_POLICY_ALL, "ice-tcp",
      options->ice_tcp, "fast", options->fast, "interface", options->interfaces, "port-range", options->port_range,
      "proxy", options->proxy, "connect-timeout", options->timeout, "resume-timeout", options->resume_timeout, "tls-ca",
      options->tls_ca, "polling", options->polling, "token", options->token, "secret", options->secret, "certificate",
      options->certificate, "once", command == DC_COMMAND_OFFER || options->once, NULL);
}

static gboolean
add_channels (DcPeer *peer, const DcOptions *options, GError **error)
{
  for (guint i = 0; options->labels[i] != NULL; i++) {
    g_autoptr (DcChannelOptions) channel = dc_channel_options_new (options->labels[i]);
    channel->mode = options->raw ? DC_MODE_RAW : DC_MODE_LINK;
    channel->any_label = options->any_label;
    channel->ordered = !options->unordered;
    channel->max_retransmits = options->max_retransmits;
    channel->max_packet_lifetime = options->max_lifetime;
    channel->negotiated = options->negotiated >= 0;
    channel->streams = options->streams;
    channel->max_message_size = options->max_message_size;
    channel->id = channel->negotiated ? options->negotiated + (int) i : -1;
    dc_channel_options_set_protocol (channel, options->protocol);
    if (!dc_peer_add_channel (peer, channel, error))
      return FALSE;
  }
  return TRUE;
}

/* By hand. */

static void
description_cb (DcPeer *peer, const char *text, gboolean complete, gpointer user_data)
{
  Call *call = user_data;
  const DcOptions *options = call->options;
  if (!complete && !options->print_again)
    return;
  g_autofree char *shown = options->base64 ? g_base64_encode ((const guchar *) text, strlen (text)) : g_strdup (text);
  dc_trace_event (call->trace,
      gst_structure_new ("description", "type", G_TYPE_STRING, call->command == DC_COMMAND_OFFER ? "offer" : "answer",
          "text", G_TYPE_STRING, shown, "complete", G_TYPE_BOOLEAN, complete, NULL),
      DC_TRACE_NO_WAIT);
  if (!options->json)
    dc_trace_line (call->trace, STDOUT_FILENO, shown);
}

static void
pasted_cb (const char *text, gsize length, gpointer user_data)
{
  Call *call = user_data;
  g_autoptr (GError) error = NULL;
  g_mutex_lock (&call->lock);
  call->brought++;
  g_mutex_unlock (&call->lock);
  if (!dc_peer_take_description (call->peer, text, &error)) {
    g_autoptr (GstStructure) event =
        gst_structure_new ("description-refused", "reason", G_TYPE_STRING, error->message, NULL);
    event_cb (call->peer, event, call);
  }
}

static void
input_ended_cb (gpointer user_data)
{
  Call *call = user_data;
  g_mutex_lock (&call->lock);
  call->input_ended = TRUE;
  check_input_locked (call);
  g_mutex_unlock (&call->lock);
}

static gboolean
start_manual (Call *call, GError **error)
{
  const char *file = call->options->remote_file;
  g_signal_connect (call->peer, "description", G_CALLBACK (description_cb), call);
  call->paste = file != NULL ? dc_paste_new_from_file (file, pasted_cb, input_ended_cb, call, error)
                             : dc_paste_new_from_fd (STDIN_FILENO, pasted_cb, input_ended_cb, call);
  return call->paste != NULL;
}

static gboolean
start (Call *call, GError **error)
{
  return add_channels (call->peer, call->options, error) && (!call->options->manual || start_manual (call, error))
         && dc_peer_start (call->peer, error);
}

static void
run_calls (Call *call)
{
  g_autoptr (GError) error = NULL;
  if (!start (call, &error)) {
    call->status = dc_trace_error (call->trace, error);
    return;
  }
  GThread *thread = g_thread_new ("calls", calls_thread, call);
  g_main_loop_run (call->loop);
  g_thread_join (thread);
  dc_peer_stop (call->peer);
}

/* Its reader has gone, whether or not there is something to be printed. */
static gboolean
output_gone_cb (int fd, GIOCondition condition, gpointer user_data)
{
  Call *call = user_data;

  call->output_watch = 0;
  interrupted_cb (SIGPIPE, call);
  return G_SOURCE_REMOVE;
}

static int
run (DcCommand command, const DcOptions *options)
{
  Call call = {.command = command, .options = options};
  int output = options->manual && !options->json ? STDERR_FILENO : STDOUT_FILENO;

  g_mutex_init (&call.lock);
  call.loop = g_main_loop_new (NULL, FALSE);
  call.talks = g_ptr_array_new ();
  call.trace = dc_trace_new (options->json, output, STDERR_FILENO, output_broken_cb, &call);
  call.output_watch = g_unix_fd_add (output, G_IO_ERR, output_gone_cb, &call);
  call.peer = make_peer (command, options);
  dc_interrupt_watch (interrupted_cb, &call);
  g_signal_connect (call.peer, "event", G_CALLBACK (event_cb), &call);
  g_signal_connect (call.peer, "channel", G_CALLBACK (channel_cb), &call);
  run_calls (&call);

  /* Nobody looks at signals any more, and what is still to be printed may have to wait for a reader. */
  dc_interrupt_unwatch ();
  g_clear_handle_id (&call.output_watch, g_source_remove);
  g_clear_pointer (&call.paste, dc_paste_free);
  g_object_unref (call.peer);
  dc_trace_free (call.trace);
  g_main_loop_unref (call.loop);
  g_ptr_array_unref (call.talks);
  g_clear_error (&call.attempt_error);
  g_free (call.pair);
  g_free (call.open_peer);
  g_mutex_clear (&call.lock);
  return call.status;
}

static int
call_command (DcCommand command, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcOptions) options = dc_options_parse (command, argc, argv, g_getenv, &error);
  if (options == NULL)
    return dc_report_usage (dc_command_get_name (command), error->message);
  if (!dc_prepare (&error)) {
    g_printerr ("dcpeer: GStreamer does not start: %s\n", error->message);
    return DC_EXIT_FAULT;
  }
  return run (command, options);
}

int
dc_cmd_offer (int argc, char **argv)
{
  return call_command (DC_COMMAND_OFFER, argc, argv);
}

int
dc_cmd_answer (int argc, char **argv)
{
  return call_command (DC_COMMAND_ANSWER, argc, argv);
}
