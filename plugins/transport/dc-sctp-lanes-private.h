/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-lanes-private.h: what the files of DcSctpLanes share. The theory of operation is in dc-sctp-lanes.c. */
#pragma once

#include "plugins/transport/dc-sctp-lanes.h"
#include "plugins/transport/dc-stripe.h"

G_BEGIN_DECLS

/* Twice the window at most is sent to a lane, and a message of the longest behind. */
#define DC_SCTP_LANE_BUFFER (2 * 1024 * 1024)

typedef struct {
  DcSctpLanes *lanes;
  guint number;
  DcSctpAssociation *association; /* (nullable): atomic; made once */
  DcSctpState state;
  gboolean paused; /* was told to wait */
} DcSctpLane;

struct _DcSctpLanes {
  DcSctpSettings settings;
  DcSctpCallbacks callbacks;
  gpointer user_data;
  DcSctpLane lanes[DC_SCTP_LANES_MAX]; /* under the lock, what is not atomic */
  gint allowed;                        /* atomic: the far side may use so many; 0: nobody thought of it */
  gint striping;                       /* atomic: some stream is */
  gint usable;                         /* atomic: lanes that did not refuse */
  gint in_use;                         /* atomic: that messages go on */

  GMutex lock; /* of what follows */
  DcStripeMerge merge;
  gboolean delivering;
  gboolean blocked; /* the application wants no more for now */
  guint resumes;
  gboolean failed; /* nothing is delivered or spread any more */
  GCond idle;      /* nobody is delivering */

  GHashTable *streams; /* (element-type guint16): that are striped */
  GQueue ending;       /* (element-type guint16): that were, and are to be reset behind all of their pieces */
  gboolean busy;       /* somebody is in what follows */
  gboolean told_busy;  /* somebody else was told that there is no room */
  DcStripeGrowth growth;
  gboolean spreading; /* in pieces */
  gboolean begun;     /* the first piece was sent */
  guint32 sequence;   /* of the next */
  gsize allowance;    /* bytes that need no other look */
  gint64 looked;
};

/* --- dc-sctp-lanes-deliver.c --- */

/* Something has come on @lane. @item: its bytes are taken over. Returns: whether the lane goes on. With @error nothing does: the far side breaks the rules. */
gboolean dc_sctp_lanes_take (DcSctpLane *lane, DcStripeItem *item, GError **error);

/* --- dc-sctp-lanes-spread.c --- */

/* There is room: what waits for it goes on. */
void dc_sctp_lanes_tell_room (DcSctpLanes *self);

/* --- dc-sctp-lanes.c --- */

/* (nullable): the association of lane @i, which is made and connected if it was not yet. */
DcSctpAssociation *dc_sctp_lanes_ensure (DcSctpLanes *self, guint i);
/* Ends all of them. */
void dc_sctp_lanes_fail (DcSctpLanes *self, const char *reason);

G_END_DECLS
