/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-peer-units-certificate.h: a certificate and its fingerprints as openssl prints them; its key was thrown away. */
#pragma once

static const char certificate_pem[] = "-----BEGIN CERTIFICATE-----\n"
                                      "MIIBczCCARmgAwIBAgIUeiqlPqYfFWa6eJL7PuU2BhTpR8QwCgYIKoZIzj0EAwIw\n"
                                      "DzENMAsGA1UEAwwEdGVzdDAeFw0yNjExMjEwMTMzNDdaFw0zNjExMTgwMTMzNDda\n"
                                      "MA8xDTALBgNVBAMMBHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARzHQ9U\n"
                                      "9UDJuqkI2mqMqg+Zlx4PLYJyITfLKOQLVY62WVNCMQL/+O3dRMq/Et4V/H7myYgL\n"
                                      "kWsDmVcRatF9nEeyo1MwUTAdBgNVHQ4EFgQUXc13F2MC6HxI04VY/r3IRqOj7RIw\n"
                                      "HwYDVR0jBBgwFoAUXc13F2MC6HxI04VY/r3IRqOj7RIwDwYDVR0TAQH/BAUwAwEB\n"
                                      "/zAKBggqhkjOPQQDAgNIADBFAiEA1iHoOQH1zCakqGB5/usDflX+ewU17tCw+Clp\n"
                                      "GNvpRVACICoVyG40uUesae+n/oXMtykvQ+QuwBO5A3ru6dnlhmr8\n"
                                      "-----END CERTIFICATE-----\n";
static const char certificate_sha256[] =
    "8B:13:5E:BB:F2:AA:BF:F4:14:C1:B1:D2:46:C5:0B:59:BA:3D:32:03:75:09:27:C9:DA:D5:66:7D:01:FA:3D:91";
static const char certificate_sha512[] =
    "9F:5A:C5:CC:6E:28:AB:33:10:78:90:50:FB:AB:FC:2C:8D:A2:20:88:48:17:C1:EC:C4:91:E7:9F:55:65:B0:BA:"
    "D5:84:F7:99:E2:7C:E5:2C:89:6D:45:56:C7:5F:DC:8A:44:84:66:F8:E3:0B:9C:16:F6:E9:C9:50:89:D3:62:49";
