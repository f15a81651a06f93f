/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* with-gst-dtls.c: a test of webrtcbins as it is, with our dtlsenc and dtlsdec inside of them. */
#include <gst/gst.h>

#include "plugins/transport/gst-dtls-elements.h"

/* The test's own main(), which meson.build calls so. */
int main_of_test (int argc, char **argv);

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  if (!dc_dtls_elements_register ())
    g_error ("GStreamer's plugin dtls is missing");
  return main_of_test (argc, argv);
}
