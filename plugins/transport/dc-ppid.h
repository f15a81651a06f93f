/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-ppid.h: what SCTP's payload protocol identifiers say of a data channel's messages (RFC 8831, sections 6.6 and 8). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

enum {
  DC_PPID_DCEP = 50,
  DC_PPID_STRING = 51,
  DC_PPID_BINARY_PARTIAL = 52, /* as below */
  DC_PPID_BINARY = 53,
  DC_PPID_STRING_PARTIAL = 54, /* nobody sends these any more */
  DC_PPID_STRING_EMPTY = 56,   /* SCTP has no empty messages: it carries one byte, that counts for nothing */
  DC_PPID_BINARY_EMPTY = 57,
};

/* Of a message that is whole. */
static inline gboolean
dc_ppid_is_message (guint32 ppid)
{
  return ppid == DC_PPID_STRING || ppid == DC_PPID_BINARY || ppid == DC_PPID_STRING_EMPTY
         || ppid == DC_PPID_BINARY_EMPTY;
}

static inline gboolean
dc_ppid_is_empty (guint32 ppid)
{
  return ppid == DC_PPID_STRING_EMPTY || ppid == DC_PPID_BINARY_EMPTY;
}

/* @ppid as it is for a message of @size. */
static inline guint32
dc_ppid_for_size (guint32 ppid, gsize size)
{
  if (size == 0 && ppid == DC_PPID_STRING)
    return DC_PPID_STRING_EMPTY;
  if (size == 0 && ppid == DC_PPID_BINARY)
    return DC_PPID_BINARY_EMPTY;
  return ppid;
}

G_END_DECLS
