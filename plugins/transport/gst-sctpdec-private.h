/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-sctpdec-private.h: what the files of sctpdec share. The theory of operation is in gst-sctpdec.c. */
#pragma once

#include "plugins/transport/gst-calls.h"
#include "plugins/transport/gst-sctp-shared.h"
#include "plugins/transport/gst-sctpdec.h"

G_BEGIN_DECLS

typedef struct {
  guint16 stream;
  guint32 ppid;
  GBytes *bytes;   /* (nullable): there is none */
  gboolean passed; /* by the hook */
} GstDcSctpDecMessage;

/* Packets that have passed the tap, and that SCTP has not got yet. */
typedef struct {
  DcPacket packets[DC_PACKETS_MAX];
  guint n;
} GstDcSctpDecRun;

struct _GstDcSctpDec {
  GstElement parent;
  GstPad *sink;
  GstDcSctpDecRun *run;  /* (nullable): of the sink pad's stream lock */
  gint socket_room;      /* atomic */
  gint room_in_use;      /* by the association; of the sink pad's stream lock */
  gint max_message_size; /* atomic; 0: as ever */

  GMutex lock; /* of what follows; nothing is called with it */
  GCond called;
  guint association_id, local_port;
  gboolean automatic_id;
  gboolean in_webrtcbin;
  GstDcSctpShared *shared; /* (nullable): from PAUSED on */
  GHashTable *streams;     /* (element-type guint16 GstDcSctpStream): those that have a pad */
  guint changing;          /* pads that are being added or removed */
  gint queued;             /* atomic: in all of them */
  gboolean paused;         /* the association waits to be resumed */
  guint resumes;           /* there was room once more */
  gboolean retrying;       /* what is held is being offered again */
  GstDcSctpDecMessage held;
  GstDcSctpHookFunc hook;
  GstDcSctpInTap tap;
  gpointer hook_data, tap_data;
  GstDcCalls calls; /* of hook and tap */
};

/* (nullable) (transfer full) */
GstDcSctpShared *gst_dc_sctpdec_dup_shared (GstDcSctpDec *self);

/* --- gst-sctpdec-streams.c --- */

const DcSctpCallbacks *gst_dc_sctpdec_get_callbacks (void);
/* Emits the signal. */
void gst_dc_sctpdec_tell_ended (GstDcSctpDec *self, guint stream);
/* Our direction of a stream is closed, and its pad removed with what waits there. */
void gst_dc_sctpdec_reset_stream (GstDcSctpDec *self, guint number);
/* Nothing comes any more. What another thread adds or removes just now is waited for. */
void gst_dc_sctpdec_remove_all (GstDcSctpDec *self);

G_END_DECLS
