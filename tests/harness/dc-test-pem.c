/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-pem.c: fixed certificates for tests. The keys are published here and protect nothing. */
#include "tests/harness/dc-test-pem.h"

const char dc_test_pem_certificate[] = "-----BEGIN CERTIFICATE-----\n"
                                       "MIIBjzCCATagAwIBAgIUfxx8syTCVuoZaF0PG3YBkv8Rnd0wCgYIKoZIzj0EAwIw\n"
                                       "FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyMTAxMTUwOVoYDzIxMjYxMDI4\n"
                                       "MDExNTA5WjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO\n"
                                       "PQMBBwNCAASm7U/NXfSgHAOu8+O2bCeGzF+0z+TBBTjibT+yr86kuZ/UdXUhoxiW\n"
                                       "IkJ8F5HUdtXTiqlMXLe0BCVTK350FKAko2QwYjAdBgNVHQ4EFgQU2P/ciStQn/ZY\n"
                                       "o4xLixUo3FCHvf4wHwYDVR0jBBgwFoAU2P/ciStQn/ZYo4xLixUo3FCHvf4wDwYD\n"
                                       "VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0cAMEQC\n"
                                       "IAIA1JwFu5vKtZh6wnHIfcN38CmpqtDy6uaISBvsm/wMAiBzEqf7kGl8KZuP2uUM\n"
                                       "M927RlnIk8/aSqeyZZAMvPV2LA==\n"
                                       "-----END CERTIFICATE-----\n";

const char dc_test_pem_key[] = "-----BEGIN PRIVATE KEY-----\n"
                               "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgcSGNE4gzcm/KOQu7\n"
                               "GSnmWLuL5+bPE3vxUyAJ7FaDG56hRANCAASm7U/NXfSgHAOu8+O2bCeGzF+0z+TB\n"
                               "BTjibT+yr86kuZ/UdXUhoxiWIkJ8F5HUdtXTiqlMXLe0BCVTK350FKAk\n"
                               "-----END PRIVATE KEY-----\n";

const char dc_test_pem_expired_certificate[] = "-----BEGIN CERTIFICATE-----\n"
                                               "MIIBWzCCAQCgAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAkxMjcuMC4w\n"
                                               "LjEwHhcNMjAwMTAxMDAwMDAwWhcNMjEwMTAxMDAwMDAwWjAUMRIwEAYDVQQDDAkx\n"
                                               "MjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAT9KIbbk49AvycV18gr\n"
                                               "VSn21bH7XY1Qfvyi706Wdr0OhnVlRkcEvh/cl29qqvIIbOEs3VSgQxPr4TZYZsha\n"
                                               "0BHmo0MwQTAPBgNVHREECDAGhwR/AAABMA8GA1UdEwEB/wQFMAMBAf8wHQYDVR0O\n"
                                               "BBYEFOK69VzN0AUoZIyPF1l9Q78NFjcOMAoGCCqGSM49BAMCA0kAMEYCIQC4eKWv\n"
                                               "xyP4R9uEpIauASH92ezrRscLDOC7et4NskYWSAIhAMZHDUi8SqHXvusX70Ls55lo\n"
                                               "uGVdLMVyfsJHi8XPXjBk\n"
                                               "-----END CERTIFICATE-----\n";

const char dc_test_pem_expired_key[] = "-----BEGIN PRIVATE KEY-----\n"
                                       "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgdQr36tcTtClMb6tr\n"
                                       "Ox4gCx9IOc+IMJmrSK1uNNj7SvShRANCAAT9KIbbk49AvycV18grVSn21bH7XY1Q\n"
                                       "fvyi706Wdr0OhnVlRkcEvh/cl29qqvIIbOEs3VSgQxPr4TZYZsha0BHm\n"
                                       "-----END PRIVATE KEY-----\n";
