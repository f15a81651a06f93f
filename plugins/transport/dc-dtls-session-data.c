/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-dtls-session-data.c: application data, sealed and opened where it lies. */
#include "plugins/transport/dc-dtls-session-private.h"

#define ALERT_SIZE 2u
#define LEVEL_FATAL 2
#define CLOSE_NOTIFY 0
#define HELLO_REQUEST 0
#define CLIENT_HELLO 1

/* What opening has brought beside data in place. */
typedef struct {
  DcDtlsWork work;
  GArray *further; /* (element-type DcPacket) (nullable) */
} Found;

/* --- Opening --------------------------------------------------------------------------------------------------------------------- */

static void
read_alert (Found *found, const DcPacket *alert)
{
  if (alert->size != ALERT_SIZE)
    return;
  if (alert->data[1] == CLOSE_NOTIFY) {
    found->work.wanted |= DC_DTLS_SAW_CLOSE;
  } else if (alert->data[0] == LEVEL_FATAL) {
    found->work.wanted |= DC_DTLS_SAW_ALERT;
    found->work.alert = alert->data[1];
  }
}

/* Of a handshake after the handshake. What is repeated of that one is not answered: who is proven to be done needs no answer. */
static void
read_handshake (Found *found, const DcPacket *message)
{
  if (message->size > 0 && (message->data[0] == HELLO_REQUEST || message->data[0] == CLIENT_HELLO))
    found->work.wanted |= DC_DTLS_WANT_REFUSAL;
}

static void
add_data (Found *found, DcPacket *packet, const DcPacket *plain)
{
  if (plain->size == 0)
    return;
  if (packet->size == 0) {
    *packet = *plain;
    return;
  }
  if (found->further == NULL)
    found->further = g_array_new (FALSE, FALSE, sizeof (DcPacket));
  g_array_append_vals (found->further, plain, 1);
}

static void
open_record (DcDtlsSession *self, const DcDtlsRecord *record, DcPacket *packet, Found *found)
{
  gboolean is_data = record->type == DC_DTLS_APPLICATION_DATA || record->type == DC_DTLS_ALERT;
  DcPacket plain;

  if (self->over)
    return;
  if (self->opener == NULL || (!self->taken_over && !is_data)) {
    g_queue_push_tail (&found->work.incoming, g_bytes_new (record->data, record->size));
    return;
  }
  if (!dc_dtls_opener_open (self->opener, record, &plain))
    return;
  if (!self->taken_over) {
    self->taken_over = TRUE;
    found->work.wanted |= DC_DTLS_WANT_TAKE_OVER;
  }
  if (record->type == DC_DTLS_APPLICATION_DATA)
    add_data (found, packet, &plain);
  else if (record->type == DC_DTLS_ALERT)
    read_alert (found, &plain);
  else if (record->type == DC_DTLS_HANDSHAKE)
    read_handshake (found, &plain);
}

static void
open_packet (DcDtlsSession *self, DcPacket *packet, Found *found)
{
  DcPacket rest = *packet;
  DcDtlsRecord record;

  packet->size = 0;
  while (dc_dtls_record_next (&rest, &record))
    open_record (self, &record, packet, found);
}

static void
give (DcDtlsSession *self, DcPacket *packets, guint n)
{
  for (guint i = 0; i < n; i += DC_PACKETS_MAX)
    self->callbacks.data (packets + i, MIN (n - i, DC_PACKETS_MAX), self->user_data);
}

void
dc_dtls_session_open_in_place (DcDtlsSession *self, DcPacket *packets, guint n, DcDtlsWork *work)
{
  Found found = {0};

  g_mutex_lock (&self->open_lock);
  for (guint i = 0; i < n; i++)
    open_packet (self, &packets[i], &found);
  g_mutex_unlock (&self->open_lock);
  if (found.further != NULL) {
    give (self, (DcPacket *) (gpointer) found.further->data, found.further->len);
    g_array_unref (found.further);
  }
  *work = found.work;
}

void
dc_dtls_session_open_late (DcDtlsSession *self, GBytes *record, DcDtlsWork *work)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (record, &size);
  g_autofree guint8 *copy = g_memdup2 (data, size);
  DcPacket packet = {copy, size};
  Found found = {0};

  g_mutex_lock (&self->open_lock);
  if (self->opener != NULL)
    open_packet (self, &packet, &found);
  g_mutex_unlock (&self->open_lock);
  work->wanted |= found.work.wanted;
  if ((found.work.wanted & DC_DTLS_SAW_ALERT) != 0)
    work->alert = found.work.alert;
  if (packet.size > 0)
    give (self, &packet, 1);
}

/* --- Sealing --------------------------------------------------------------------------------------------------------------------- */

static void
seal (DcDtlsSession *self, DcPacket *packet)
{
  if (packet->size == 0)
    return;
  if (packet->size > self->max_plain)
    packet->size = 0;
  else
    dc_dtls_sealer_seal (self->sealer, DC_DTLS_APPLICATION_DATA, packet);
}

gboolean
dc_dtls_session_seal_in_place (DcDtlsSession *self, DcPacket *packets, guint n)
{
  gboolean sealed;

  g_mutex_lock (&self->seal_lock);
  sealed = self->sealer != NULL;
  if (sealed)
    for (guint i = 0; i < n; i++)
      seal (self, &packets[i]);
  g_mutex_unlock (&self->seal_lock);
  return sealed;
}
