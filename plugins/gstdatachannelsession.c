/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelsession.c: elements that share one peer.
 *
 * Theory of operation
 * -------------------
 * Each element belongs to a session: to one by name, which it shares with others of the process, or to one of its own. Elements are members
 * from READY on. The first that goes to PAUSED starts a peer with the channels of all members, the last that goes back to READY
 * stops it; then it may begin anew. In between no channel can be added: a member that was not there is an error.
 *
 * The connection is what the members say of it: it is enough that one of them sets a property. Two that say different things are an error
 * of the one that starts later. The same goes for a channel that a sink and a src share: they have the same label.
 *
 * What the peer tells goes to every member that is started; channels go to those with their label. A named session also keeps its channels,
 * for members that start later than a channel opens.
 *
 *   state      peer    stopping
 *   idle       NULL    FALSE     members come and go
 *   running    set     FALSE     members start and stop; there is at least one that is started
 *   stopping   set     TRUE      the last one stops the peer, which takes a moment; who wants to start waits */
#include "plugins/gstdatachannelsession.h"

typedef struct {
  GstDataChannelEnd *end; /* is there until it leaves */
  const GstDataChannelMemberFuncs *funcs;
  gboolean started;
} Member;

struct _GstDataChannelSession {
  gatomicrefcount refs;
  char *name; /* (nullable): of one element alone */

  /* Guards what follows. Not held while calling the peer, but for its start, which tells nothing on our thread, or a member. */
  GMutex lock;
  GCond cond;
  GPtrArray *members; /* (element-type Member) */
  DcPeer *peer;
  gboolean stopping;
  GPtrArray *options;                         /* (element-type DcChannelOptions): what the peer was started with */
  GValue values[GST_DATA_CHANNEL_N_SETTINGS]; /* of the connection: likewise */
  GPtrArray *channels;                        /* (element-type DcChannel): named sessions: those that have opened */
  GError *failure;                            /* (nullable): the peer's */
};

static GMutex sessions_lock;
static GHashTable *sessions; /* name -> session (not owned), those with members */

/* --- Making -------------------------------------------------------------------------------------------------------------------- */

static GstDataChannelSession *
session_new (const char *name)
{
  GstDataChannelSession *session = g_new0 (GstDataChannelSession, 1);

  g_atomic_ref_count_init (&session->refs);
  session->name = g_strdup (name);
  session->members = g_ptr_array_new_with_free_func (g_free);
  session->options = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_channel_options_free);
  session->channels = g_ptr_array_new_with_free_func (g_object_unref);
  g_mutex_init (&session->lock);
  g_cond_init (&session->cond);
  return session;
}

static void
clear_run_locked (GstDataChannelSession *session)
{
  for (guint id = 1; id < GST_DATA_CHANNEL_N_SETTINGS; id++) {
    if (G_IS_VALUE (&session->values[id]))
      g_value_unset (&session->values[id]);
  }
  g_ptr_array_set_size (session->options, 0);
  g_ptr_array_set_size (session->channels, 0);
  g_clear_error (&session->failure);
}

static void
session_unref (GstDataChannelSession *session)
{
  if (!g_atomic_ref_count_dec (&session->refs))
    return;
  clear_run_locked (session);
  g_ptr_array_unref (session->members);
  g_ptr_array_unref (session->options);
  g_ptr_array_unref (session->channels);
  g_mutex_clear (&session->lock);
  g_cond_clear (&session->cond);
  g_free (session->name);
  g_free (session);
}

static Member *
find_member_locked (GstDataChannelSession *session, GstDataChannelEnd *end)
{
  for (guint i = 0; i < session->members->len; i++) {
    Member *member = g_ptr_array_index (session->members, i);
    if (member->end == end)
      return member;
  }
  g_return_val_if_reached (NULL);
}

static void
add_member (GstDataChannelSession *session, GstDataChannelEnd *end, const GstDataChannelMemberFuncs *funcs)
{
  Member *member = g_new0 (Member, 1);

  member->end = end;
  member->funcs = funcs;
  g_mutex_lock (&session->lock);
  g_ptr_array_add (session->members, member);
  g_mutex_unlock (&session->lock);
}

GstDataChannelSession *
gst_data_channel_session_join (GstDataChannelEnd *end, const GstDataChannelMemberFuncs *funcs)
{
  g_autofree char *name = gst_data_channel_end_dup_string (end, GST_DATA_CHANNEL_PROP_SESSION);
  GstDataChannelSession *session = NULL;

  if (name == NULL || *name == '\0') {
    session = session_new (NULL);
    add_member (session, end, funcs);
    return session;
  }
  g_mutex_lock (&sessions_lock);
  if (sessions == NULL)
    sessions = g_hash_table_new (g_str_hash, g_str_equal);
  session = g_hash_table_lookup (sessions, name);
  if (session == NULL) {
    session = session_new (name);
    g_hash_table_insert (sessions, session->name, session);
  } else {
    g_atomic_ref_count_inc (&session->refs);
  }
  add_member (session, end, funcs);
  g_mutex_unlock (&sessions_lock);
  return session;
}

void
gst_data_channel_session_leave (GstDataChannelSession *session, GstDataChannelEnd *end)
{
  g_mutex_lock (&sessions_lock);
  g_mutex_lock (&session->lock);
  g_ptr_array_remove (session->members, find_member_locked (session, end));
  if (session->members->len == 0 && session->name != NULL) {
    g_hash_table_remove (sessions, session->name);
    if (g_hash_table_size (sessions) == 0)
      g_clear_pointer (&sessions, g_hash_table_unref);
  }
  g_mutex_unlock (&session->lock);
  g_mutex_unlock (&sessions_lock);
  session_unref (session);
}

/* --- Telling the members ------------------------------------------------------------------------------------------------------- */

/* Copies of the members that are started, and their elements held. (element-type Member) */
static GArray *
get_started (GstDataChannelSession *session)
{
  GArray *started = g_array_new (FALSE, FALSE, sizeof (Member));

  g_mutex_lock (&session->lock);
  for (guint i = 0; i < session->members->len; i++) {
    Member *member = g_ptr_array_index (session->members, i);
    if (member->started) {
      gst_object_ref (member->end->element);
      g_array_append_val (started, *member);
    }
  }
  g_mutex_unlock (&session->lock);
  return started;
}

/* What a member is told, with what. */
typedef void (*Tell) (const Member *member, gconstpointer what);

static void
tell_started (GstDataChannelSession *session, Tell tell, gconstpointer what)
{
  g_autoptr (GArray) started = get_started (session);

  for (guint i = 0; i < started->len; i++) {
    const Member *member = &g_array_index (started, Member, i);
    tell (member, what);
    gst_object_unref (member->end->element);
  }
}

static void
tell_event (const Member *member, gconstpointer event)
{
  member->funcs->event (member->end, event);
}

static void
tell_statistics (const Member *member, gconstpointer statistics)
{
  member->funcs->statistics (member->end, statistics);
}

static void
tell_failure (const Member *member, gconstpointer error)
{
  member->funcs->failure (member->end, error);
}

static void
tell_channel (const Member *member, gconstpointer channel)
{
  g_autofree char *label = gst_data_channel_end_dup_string (member->end, GST_DATA_CHANNEL_PROP_LABEL);

  if (g_str_equal (label, dc_channel_get_label ((DcChannel *) channel)))
    member->funcs->channel (member->end, (DcChannel *) channel);
}

static void
event_cb (DcPeer *peer, const GstStructure *event, GstDataChannelSession *session)
{
  tell_started (session, tell_event, event);
}

static void
statistics_cb (DcPeer *peer, const GstStructure *statistics, GstDataChannelSession *session)
{
  tell_started (session, tell_statistics, statistics);
}

static void
channel_cb (DcPeer *peer, DcChannel *channel, GstDataChannelSession *session)
{
  DcChannel *taken;

  g_mutex_lock (&session->lock);
  if (session->name != NULL)
    g_ptr_array_add (session->channels, g_object_ref (channel));
  g_mutex_unlock (&session->lock);
  tell_started (session, tell_channel, channel);
  /* Nobody waits for it at the peer, who would keep it for somebody. */
  while ((taken = dc_peer_try_channel (peer, NULL, NULL)) != NULL)
    g_object_unref (taken);
}

static void
failed_cb (DcPeer *peer, const GError *error, GstDataChannelSession *session)
{
  g_mutex_lock (&session->lock);
  if (session->failure == NULL)
    session->failure = g_error_copy (error);
  g_mutex_unlock (&session->lock);
  tell_started (session, tell_failure, error);
}

/* --- Starting ------------------------------------------------------------------------------------------------------------------ */

static gboolean refuse (GError **error, GstDataChannelSession *session, const char *format, ...) G_GNUC_PRINTF (3, 4);

static gboolean
refuse (GError **error, GstDataChannelSession *session, const char *format, ...)
{
  g_autofree char *fault = NULL;
  va_list args;

  va_start (args, format);
  fault = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, DC_ERROR, DC_ERROR_USAGE, "In the session \"%s\" %s", session->name, fault);
  return FALSE;
}

static gboolean
has_label (GstDataChannelEnd *end, const char *label)
{
  g_autofree char *own = gst_data_channel_end_dup_string (end, GST_DATA_CHANNEL_PROP_LABEL);

  return g_str_equal (own, label);
}

/* @end against another member of its channel. */
static gboolean
check_channel_mate (
    GstDataChannelSession *session, GstDataChannelEnd *end, GstDataChannelEnd *mate, const char *label, GError **error)
{
  if (mate->wants == end->wants)
    return refuse (error, session, "there are two %s with the label \"%s\": give each a label of its own",
        end->wants == DC_DIRECTION_SEND ? "sinks" : "sources", label);
  for (guint id = GST_DATA_CHANNEL_PROP_PROTOCOL; id <= GST_DATA_CHANNEL_PROP_STREAMS; id++) {
    GValue value = G_VALUE_INIT;
    gboolean same;
    gst_data_channel_end_copy_setting (mate, id, &value);
    same = gst_data_channel_end_shares_setting (end, id, &value);
    g_value_unset (&value);
    if (!same)
      return refuse (error, session, "the sink and the source with the label \"%s\" have different values of \"%s\"",
          label, gst_data_channel_get_setting_name (id));
  }
  return TRUE;
}

static gboolean
check_channel_locked (GstDataChannelSession *session, GstDataChannelEnd *end, GError **error)
{
  g_autofree char *label = gst_data_channel_end_dup_string (end, GST_DATA_CHANNEL_PROP_LABEL);

  if (session->name != NULL && end->max_channels > 1)
    return refuse (error, session, "a sink can have only one receiver: set max-receivers to 1, or no session");
  for (guint i = 0; i < session->members->len; i++) {
    GstDataChannelEnd *other = ((Member *) g_ptr_array_index (session->members, i))->end;
    if (other != end && has_label (other, label) && !check_channel_mate (session, end, other, label, error))
      return FALSE;
  }
  return TRUE;
}

/* Takes @end's word for everything that nobody has said yet. FALSE: it contradicts. */
static gboolean
merge_connection_locked (GstDataChannelSession *session, GstDataChannelEnd *end, GError **error)
{
  for (guint id = GST_DATA_CHANNEL_PROP_SIGNALING; id <= GST_DATA_CHANNEL_PROP_STATS_INTERVAL; id++) {
    gboolean said = gst_data_channel_end_has_setting (end, id), unsaid = !G_IS_VALUE (&session->values[id]);
    if (said && unsaid)
      gst_data_channel_end_copy_setting (end, id, &session->values[id]);
    else if (said && !gst_data_channel_end_shares_setting (end, id, &session->values[id]))
      return refuse (error, session, "%s has another \"%s\" than the others: set it alike, or on one of them only",
          GST_OBJECT_NAME (end->element), gst_data_channel_get_setting_name (id));
  }
  return TRUE;
}

static GStrv
strings_from_array (const GValue *array)
{
  guint n = gst_value_array_get_size (array);
  GStrv strings = g_new0 (char *, n + 1);

  for (guint i = 0; i < n; i++)
    strings[i] = g_value_dup_string (gst_value_array_get_value (array, i));
  return strings;
}

/* A property of the peer's: the setting @id, as the peer wants it. */
static void
make_peer_value (GstDataChannelSession *session, guint id, GValue *value)
{
  const GValue *setting = &session->values[id];

  if (id != GST_DATA_CHANNEL_PROP_TURN_SERVERS) {
    g_value_init (value, G_VALUE_TYPE (setting));
    g_value_copy (setting, value);
    return;
  }
  g_value_init (value, G_TYPE_STRV);
  g_value_take_boxed (value, strings_from_array (setting));
}

static DcPeer *
new_peer (GstDataChannelSession *session, GstDataChannelEnd *end)
{
  const char *names[GST_DATA_CHANNEL_N_SETTINGS + 2];
  GValue values[GST_DATA_CHANNEL_N_SETTINGS + 2] = {G_VALUE_INIT};
  guint n = 0;
  GObject *peer;

  for (guint id = GST_DATA_CHANNEL_PROP_SIGNALING; id <= GST_DATA_CHANNEL_PROP_STATS_INTERVAL; id++) {
    names[n] = id == GST_DATA_CHANNEL_PROP_PEER_ID ? "id" : gst_data_channel_get_setting_name (id);
    make_peer_value (session, id, &values[n++]);
  }
  names[n] = "once";
  g_value_init (&values[n], G_TYPE_BOOLEAN);
  g_value_set_boolean (&values[n++], end->max_channels == 1);
  names[n] = "max-connections";
  g_value_init (&values[n], G_TYPE_UINT);
  g_value_set_uint (&values[n++], end->max_channels);
  peer = g_object_new_with_properties (DC_TYPE_PEER, n, names, values);
  for (guint i = 0; i < n; i++)
    g_value_unset (&values[i]);
  return DC_PEER (peer);
}

/* What the members want, @end first: its word counts for what the others have not said. */
static gboolean
collect_locked (GstDataChannelSession *session, GstDataChannelEnd *end, GError **error)
{
  if (!merge_connection_locked (session, end, error))
    return FALSE;
  for (guint i = 0; i < session->members->len; i++) {
    GstDataChannelEnd *other = ((Member *) g_ptr_array_index (session->members, i))->end;
    /* One that contradicts is told when it starts. */
    merge_connection_locked (session, other, NULL);
  }
  for (guint id = GST_DATA_CHANNEL_PROP_SIGNALING; id <= GST_DATA_CHANNEL_PROP_STATS_INTERVAL; id++) {
    if (!G_IS_VALUE (&session->values[id]))
      gst_data_channel_end_copy_setting (end, id, &session->values[id]);
  }
  return TRUE;
}

static gboolean
has_options_locked (GstDataChannelSession *session, GstDataChannelEnd *end)
{
  g_autofree char *label = gst_data_channel_end_dup_string (end, GST_DATA_CHANNEL_PROP_LABEL);

  for (guint i = 0; i < session->options->len; i++) {
    if (g_str_equal (((DcChannelOptions *) g_ptr_array_index (session->options, i))->label, label))
      return TRUE;
  }
  return FALSE;
}

static gboolean
add_channel_locked (GstDataChannelSession *session, DcPeer *peer, GstDataChannelEnd *end, GError **error)
{
  g_autoptr (DcChannelOptions) options = gst_data_channel_end_make_options (end);

  if (session->name != NULL)
    options->wants = DC_DIRECTION_BOTH;
  if (!dc_peer_add_channel (peer, options, error))
    return FALSE;
  g_ptr_array_add (session->options, g_steal_pointer (&options));
  return TRUE;
}

static gboolean
add_channels_locked (GstDataChannelSession *session, DcPeer *peer, GstDataChannelEnd *end, GError **error)
{
  if (!add_channel_locked (session, peer, end, error))
    return FALSE;
  for (guint i = 0; i < session->members->len; i++) {
    GstDataChannelEnd *other = ((Member *) g_ptr_array_index (session->members, i))->end;
    /* One whose options are wrong is told when it starts. */
    if (!has_options_locked (session, other))
      add_channel_locked (session, peer, other, NULL);
  }
  return TRUE;
}

static void
connect_to_peer (GstDataChannelSession *session, DcPeer *peer, const char *signal, GCallback callback)
{
  g_atomic_ref_count_inc (&session->refs);
  g_signal_connect_data (
      peer, signal, callback, session, (GClosureNotify) (void (*) (void)) session_unref, (GConnectFlags) 0);
}

static gboolean
start_peer_locked (GstDataChannelSession *session, GstDataChannelEnd *end, GError **error)
{
  g_autoptr (DcPeer) peer = NULL;

  clear_run_locked (session);
  if (!collect_locked (session, end, error))
    return FALSE;
  peer = new_peer (session, end);
  if (!add_channels_locked (session, peer, end, error))
    return FALSE;
  /* Its thread may tell something at once, which then waits for our lock. */
  connect_to_peer (session, peer, "event", G_CALLBACK (event_cb));
  connect_to_peer (session, peer, "statistics", G_CALLBACK (statistics_cb));
  connect_to_peer (session, peer, "channel", G_CALLBACK (channel_cb));
  connect_to_peer (session, peer, "failed", G_CALLBACK (failed_cb));
  if (!dc_peer_start (peer, error)) {
    g_signal_handlers_disconnect_by_data (peer, session);
    return FALSE;
  }
  session->peer = g_steal_pointer (&peer);
  return TRUE;
}

/* Another has started the peer. */
static gboolean
check_running_locked (GstDataChannelSession *session, GstDataChannelEnd *end, GError **error)
{
  g_autoptr (DcChannelOptions) options = gst_data_channel_end_make_options (end);

  if (!dc_channel_options_check (options, error) || !merge_connection_locked (session, end, error))
    return FALSE;
  return has_options_locked (session, end)
         || refuse (error, session,
             "the channel \"%s\" was not there when the connection was started: put all elements of the session in "
             "READY before the first goes to PAUSED",
             options->label);
}

static void
tell_what_was (const Member *member, GPtrArray *channels, const GError *failure)
{
  for (guint i = 0; i < channels->len; i++)
    tell_channel (member, g_ptr_array_index (channels, i));
  if (failure != NULL)
    tell_failure (member, failure);
}

gboolean
gst_data_channel_session_start (GstDataChannelSession *session, GstDataChannelEnd *end, GError **error)
{
  Member member;
  g_autoptr (GPtrArray) channels = NULL;
  g_autoptr (GError) failure = NULL;
  gboolean ok;

  g_mutex_lock (&session->lock);
  while (session->stopping)
    g_cond_wait (&session->cond, &session->lock);
  ok =
      check_channel_locked (session, end, error)
      && (session->peer != NULL ? check_running_locked (session, end, error) : start_peer_locked (session, end, error));
  if (ok)
    find_member_locked (session, end)->started = TRUE;
  member = *find_member_locked (session, end);
  channels = g_ptr_array_copy (session->channels, (GCopyFunc) (void (*) (void)) g_object_ref, NULL);
  g_ptr_array_set_free_func (channels, g_object_unref);
  failure = session->failure != NULL ? g_error_copy (session->failure) : NULL;
  g_mutex_unlock (&session->lock);

  if (ok)
    tell_what_was (&member, channels, failure);
  return ok;
}

/* --- Stopping ------------------------------------------------------------------------------------------------------------------ */

/* Whether @end is the only one that is started. */
static gboolean
is_last_locked (GstDataChannelSession *session, GstDataChannelEnd *end)
{
  for (guint i = 0; i < session->members->len; i++) {
    Member *member = g_ptr_array_index (session->members, i);
    if (member->started != (member->end == end))
      return FALSE;
  }
  return TRUE;
}

void
gst_data_channel_session_stop (GstDataChannelSession *session, GstDataChannelEnd *end)
{
  g_autoptr (DcPeer) peer = NULL;

  g_mutex_lock (&session->lock);
  if (is_last_locked (session, end)) {
    session->stopping = TRUE;
    peer = g_object_ref (session->peer);
  } else {
    find_member_locked (session, end)->started = FALSE;
  }
  g_mutex_unlock (&session->lock);
  if (peer == NULL)
    return;

  /* The last one still counts as started: it tells how the connections ended. */
  dc_peer_stop (peer);
  g_signal_handlers_disconnect_by_data (peer, session);
  g_mutex_lock (&session->lock);
  find_member_locked (session, end)->started = FALSE;
  g_clear_object (&session->peer);
  clear_run_locked (session);
  session->stopping = FALSE;
  g_cond_broadcast (&session->cond);
  g_mutex_unlock (&session->lock);
}

gboolean
gst_data_channel_session_is_shared (GstDataChannelSession *session, GstDataChannelEnd *end)
{
  g_autofree char *label = gst_data_channel_end_dup_string (end, GST_DATA_CHANNEL_PROP_LABEL);
  gboolean shared = FALSE;

  g_mutex_lock (&session->lock);
  for (guint i = 0; i < session->members->len; i++) {
    Member *member = g_ptr_array_index (session->members, i);
    shared = shared || (member->started && member->end != end && has_label (member->end, label));
  }
  g_mutex_unlock (&session->lock);
  return shared;
}

DcPeer *
gst_data_channel_session_dup_peer (GstDataChannelSession *session)
{
  DcPeer *peer;

  g_mutex_lock (&session->lock);
  peer = session->peer != NULL ? g_object_ref (session->peer) : NULL;
  g_mutex_unlock (&session->lock);
  return peer;
}
