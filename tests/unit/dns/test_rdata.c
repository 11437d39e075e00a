/* SPDX-License-Identifier: MIT */
/* Text to octets and back, for every type. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/random.h"
#include "base/text.h"
#include "dns/name.h"
#include "dns/rdata.h"
#include "dns/rdata_internal.h"
#include "dns/type.h"
#include "rdata_text.h"

/* Text, its octets in hexadecimal, and the text that these give (NULL: the same). */
static const struct {
	const char *type;
	const char *text;
	const char *hex;
	const char *again;
} good[] = {
        {"A", "192.0.2.1", "C0000201", NULL},
        {"NS", "ns1.example.", "036E7331076578616D706C6500", NULL},
        {"MD", "a.", "016100", NULL},
        {"MF", "a.b.", "0161016200", NULL},
        {"CNAME", "\\042.\\000x.example.", "012A020078076578616D706C6500", "*.\\000x.example."},
        {"SOA", "ns.example. host.example. 2024010100 1h 15m 1w 1d",
         "026E73076578616D706C650004686F7374076578616D706C650078A3F17400000E100000038400093A8000015180",
         "ns.example. host.example. 2024010100 3600 900 604800 86400"},
        {"MB", "mb.example.", "026D62076578616D706C6500", NULL},
        {"MG", "a.", "016100", NULL},
        {"MR", "a.", "016100", NULL},
        {"NULL", "\\# 3 010203", "010203", NULL},
        {"WKS", "192.0.2.1 tcp smtp telnet 80", "C0000201060000014000000000000080", "192.0.2.1 6 23 25 80"},
        {"WKS", "192.0.2.1 17 53", "C00002011100000000000004", NULL},
        {"PTR", "host.example.", "04686F7374076578616D706C6500", NULL},
        {"HINFO", "\"PC clone\" Linux", "08504320636C6F6E65054C696E7578", "\"PC clone\" \"Linux\""},
        {"MINFO", "a. b.", "016100016200", NULL},
        {"MX", "10 mail.example.", "000A046D61696C076578616D706C6500", NULL},
        {"TXT", "\"a b\" c \"\" \"quo\\\"te\\\\ \\000\\255;\"", "036120620163000B71756F2274655C2000FF3B",
         "\"a b\" \"c\" \"\" \"quo\\\"te\\\\ \\000\\255;\""},
        {"RP", "a.b. c.d.", "01610162000163016400", NULL},
        {"AFSDB", "1 afs.example.", "000103616673076578616D706C6500", NULL},
        {"X25", "311061700956", "0C333131303631373030393536", "\"311061700956\""},
        {"ISDN", "150862028003217 004", "0F31353038363230323830303332313703303034", "\"150862028003217\" \"004\""},
        {"ISDN", "150862028003217", "0F313530383632303238303033323137", "\"150862028003217\""},
        {"RT", "2 relay.example.", "00020572656C6179076578616D706C6500", NULL},
        {"NSAP", "0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00", "47000580005A0000000001E133FFFFFF00016100",
         "0x47000580005A0000000001E133FFFFFF00016100"},
        {"NSAP-PTR", "foo.", "03666F6F00", NULL},
        {"SIG", "A 5 3 86400 20030322173103 20030220173103 2642 example.com. oJB1W6WNGv+ldvQ3",
         "00010503000151803E7C9DD73E5510D70A52076578616D706C6503636F6D00A090755BA58D1AFFA576F437", NULL},
        {"KEY", "512 3 1 AQPSKmynfzW4kyBv", "020003010103D22A6CA77F35B893206F", NULL},
        {"KEY", "ZONE|SIG15|FLAG2 DNSSEC RSASHA1 AQAB", "210F0305010001", "8463 3 5 AQAB"},
        {"KEY", "nokey|host tls dh", "C2000102", "49664 1 2"},
        {"PX", "50 net2.it. prmd-net2.admd-p400.c-it.",
         "0032046E657432026974000970726D642D6E6574320961646D642D7034303004632D697400", NULL},
        {"GPOS", "-32.6882 116.8652 10.0", "082D33322E36383832083131362E383635320431302E30",
         "\"-32.6882\" \"116.8652\" \"10.0\""},
        {"AAAA", "2001:db8::1", "20010DB8000000000000000000000001", NULL},
        {"AAAA", "::", "00000000000000000000000000000000", NULL},
        {"AAAA", "::ffff:192.0.2.1", "00000000000000000000FFFFC0000201", NULL},
        {"AAAA", "1:0:0:2:0:0:0:3", "00010000000000020000000000000003", "1:0:0:2::3"},
        {"AAAA", "1:2:3:4:5:6:7::", "00010002000300040005000600070000", "1:2:3:4:5:6:7:0"},
        {"AAAA", "::1.2.3.4", "00000000000000000000000001020304", "::102:304"},
        {"LOC", "42 21 54 N 71 06 18 W -24m 30m", "0033161389172DD070BE15F000988D20",
         "42 21 54.000 N 71 6 18.000 W -24.00m 30m 10000m 10m"},
        {"LOC", "52 N 4 E 0", "001216138B28720080DBBA0000989680", "52 0 0.000 N 4 0 0.000 E 0.00m 1m 10000m 10m"},
        {"LOC", "42 21 43.952 N 71 5 6.344 W -24m 1m 200m", "001224138917069070BF2DD800988D20",
         "42 21 43.952 N 71 5 6.344 W -24.00m 1m 200m 10m"},
        {"LOC", "90 S 180 E 42849672.95m 90000000m 0 0.01", "009900106CB02700A69FB200FFFFFFFF",
         "90 0 0.000 S 180 0 0.000 E 42849672.95m 90000000m 0m 0.01m"},
        {"NXT", "foo. A MX SIG NXT", "03666F6F0040010082", NULL},
        {"EID", "12 34 5678", "12345678", "12345678"},
        {"NIMLOC", "32 aBcd", "32ABCD", "32ABCD"},
        {"SRV", "0 5 5060 sip.example.", "0000000513C403736970076578616D706C6500", NULL},
        {"ATMA", "+61200000000", "013631323030303030303030", NULL},
        {"ATMA", "+6.1200.000000", "013631323030303030303030", "+61200000000"},
        {"ATMA", "39.246f.00.0e7c9c031200010001000012345678.90", "0039246F000E7C9C03120001000100001234567890",
         "39246F000E7C9C03120001000100001234567890"},
        {"NAPTR", "100 50 \"s\" \"http+I2L+I2C+I2R\" \"\" _http._tcp.gatech.edu.",
         "00640032017310687474702B49324C2B4932432B49325200055F68747470045F746370066761746563680365647500", NULL},
        {"NAPTR", "100 10 \"\" \"\" \"!^urn:cid:.+@([^\\\\.]+\\\\.)(.*)$!\\\\2!i\" .",
         "0064000A000021215E75726E3A6369643A2E2B40285B5E5C2E5D2B5C2E29282E2A2924215C32216900", NULL},
        {"KX", "10 kx.example.", "000A026B78076578616D706C6500", NULL},
        {"CERT", "PGP 0 0 AQAB", "0003000000010001", NULL},
        {"CERT", "3 4 RSASHA1 AQAB", "0003000405010001", "PGP 4 5 AQAB"},
        {"CERT", "65535 1 253 AQAB", "FFFF0001FD010001", NULL},
        {"A6", "64 ::1 foo.", "40000000000000000103666F6F00", NULL},
        {"A6", "0 2001:db8::1", "0020010DB8000000000000000000000001", NULL},
        {"A6", "128 foo.", "8003666F6F00", NULL},
        {"A6", "61 ::1:2:3:4 foo.", "3D00000100020003000403666F6F00", NULL},
        {"DNAME", "target.example.", "06746172676574076578616D706C6500", NULL},
        {"SINK", "8 0 2 l4ik", "0800029788A4", NULL},
        {"APL", "1:192.0.2.0/24 !2:2001:db8::/32 1:0.0.0.0/0", "00011803C000020002208420010DB800010000", NULL},
        {"APL", "", "", "\\# 0"},
        {"DS", "12345 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
         "30390802E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D", NULL},
        {"DS", "12345 RSASHA256 1 1234567890123456789012345678901234567890",
         "303908011234567890123456789012345678901234567890", "12345 8 1 1234567890123456789012345678901234567890"},
        {"DS", "1 8 99 aa bb c cdd", "00010863AABBCCDD", "1 8 99 AABBCCDD"},
        {"SSHFP", "2 1 123456789abcdef67890123456789abcdef67890", "0201123456789ABCDEF67890123456789ABCDEF67890",
         "2 1 123456789ABCDEF67890123456789ABCDEF67890"},
        {"IPSECKEY", "10 1 2 192.0.2.38 AQNRU3mG7TVTO2Bk", "0A0102C0000226010351537986ED35533B6064", NULL},
        {"IPSECKEY", "10 0 2 . AQNRU3mG7TVTO2Bk", "0A0002010351537986ED35533B6064", NULL},
        {"IPSECKEY", "10 3 2 mygateway.example.com. AQNRU3mG7TVTO2Bk",
         "0A0302096D7967617465776179076578616D706C6503636F6D00010351537986ED35533B6064", NULL},
        {"IPSECKEY", "10 2 2 2001:0DB8:0:8002::2000:1 AQNRU3mG7TVTO2Bk",
         "0A020220010DB8000080020000000020000001010351537986ED35533B6064",
         "10 2 2 2001:db8:0:8002::2000:1 AQNRU3mG7TVTO2Bk"},
        {"IPSECKEY", "10 0 0 .", "0A0000", NULL},
        {"RRSIG", "SOA 8 0 86400 20300101000000 20200229235959 20326 . AQAB AQ AB",
         "000608000001518070DBD8805E5AFAFF4F6600010001010001",
         "SOA 8 0 86400 20300101000000 20200229235959 20326 . AQABAQAB"},
        {"RRSIG", "TYPE65534 8 0 86400 4294967295 0 20326 . AQAB", "FFFE080000015180FFFFFFFF000000004F6600010001",
         "TYPE65534 8 0 86400 21060207062815 19700101000000 20326 . AQAB"},
        {"NSEC", "a.example. A NS TYPE1234 CAA RRSIG NSEC TYPE65535",
         "0161076578616D706C65000006600000000003010140041B000000000000000000000000000000000000000000000000000020FF20000"
         "0000000000000000000000000000000000000000000000000000000000001",
         "a.example. A NS RRSIG NSEC CAA TYPE1234 TYPE65535"},
        {"DNSKEY", "257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3",
         "0101030803010001ACFFB409BCC939F831F7A1E5EC88F7A59255EC53040BE432027390A4CE896D6F9086F3C5E177", NULL},
        {"DNSKEY", "257 3 ED25519 AwEA AQAB", "0101030F030100010001", "257 3 15 AwEAAQAB"},
        {"DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=",
         "000201636FC0B8271C82825BB1AC5C41CF5351AA69B4FEBD94E8F17CDB95000DA48C40", NULL},
        {"NSEC3", "1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS SOA NSEC3PARAM RRSIG",
         "0101000C04AABBCCDD14174EB2409FE28BCB4887A1836F957F0A8425E27B000722010000000290",
         "1 1 12 AABBCCDD 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR NS SOA MX RRSIG DNSKEY NSEC3PARAM"},
        {"NSEC3", "1 0 0 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR", "010000000014174EB2409FE28BCB4887A1836F957F0A8425E27B",
         NULL},
        {"NSEC3PARAM", "1 0 12 AABBCCDD", "0100000C04AABBCCDD", NULL},
        {"NSEC3PARAM", "1 0 0 -", "0100000000", NULL},
        {"TLSA", "3 1 1 0D6FCE13243AA7", "0301010D6FCE13243AA7", NULL},
        {"SMIMEA", "3 0 0 0d 6f", "0300000D6F", "3 0 0 0D6F"},
        {"HIP", "2 200100107B1A74DF365639CC39F1D578 AwEAAbdxyhNuSutc rvs1.example.com. rvs2.example.com.",
         "1002000C200100107B1A74DF365639CC39F1D57803010001B771CA136E4AEB5C0472767331076578616D706C6503636F6D00047276733"
         "2076578616D706C6503636F6D00",
         NULL},
        {"HIP", "2 200100107B1A74DF365639CC39F1D578 AQAB", "10020003200100107B1A74DF365639CC39F1D578010001", NULL},
        {"NINFO", "\"a\" b", "01610162", "\"a\" \"b\""},
        {"RKEY", "0 3 8 AQAB", "00000308010001", NULL},
        {"TALINK", "h0.example.com. h1.example.com.",
         "026830076578616D706C6503636F6D00026831076578616D706C6503636F6D00", NULL},
        {"CDS", "12345 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
         "30390802E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D", NULL},
        {"CDS", "0 0 0 00", "0000000000", NULL},
        {"CDNSKEY", "0 3 0 AA==", "0000030000", NULL},
        {"OPENPGPKEY", "AQAB", "010001", NULL},
        {"CSYNC", "66 3 A NS AAAA", "000000420003000460000008", NULL},
        {"CSYNC", "66 3", "000000420003", NULL},
        {"ZONEMD",
         "2018031500 1 1 "
         "FEBE3D4CE2EC2FFA4BA99D46CD69D6D29711E55217057BEE7EB1A7B641A47BA7FED2DD5B97AE499FAFA4F22C6BD647DE",
         "7848B78C0101FEBE3D4CE2EC2FFA4BA99D46CD69D6D29711E55217057BEE7EB1A7B641A47BA7FED2DD5B97AE499FAFA4F22C6BD647DE",
         NULL},
        {"ZONEMD", "2018031500 1 240 E2D523F654B9422A96C5A8F4", "7848B78C01F0E2D523F654B9422A96C5A8F4", NULL},
        {"SVCB", "0 foo.example.com.", "000003666F6F076578616D706C6503636F6D00", NULL},
        {"SVCB", "1 .", "000100", NULL},
        {"SVCB", "16 foo.example.com. port=53", "001003666F6F076578616D706C6503636F6D00000300020035", NULL},
        {"SVCB", "1 foo.example.com. key667=hello", "000103666F6F076578616D706C6503636F6D00029B000568656C6C6F",
         "1 foo.example.com. key667=\"hello\""},
        {"SVCB", "1 foo.example.com. key667=\"hello\\210qoo\"",
         "000103666F6F076578616D706C6503636F6D00029B000968656C6C6FD2716F6F", NULL},
        {"SVCB", "1 foo.example.com. ipv6hint=\"2001:db8::1,2001:db8::53:1\"",
         "000103666F6F076578616D706C6503636F6D000006002020010DB800000000000000000000000120010DB800000000000000000053000"
         "1",
         "1 foo.example.com. ipv6hint=2001:db8::1,2001:db8::53:1"},
        {"SVCB", "1 example.com. ipv6hint=\"2001:db8:122:344::192.0.2.33\"",
         "0001076578616D706C6503636F6D000006001020010DB80122034400000000C0000221",
         "1 example.com. ipv6hint=2001:db8:122:344::c000:221"},
        {"SVCB", "16 foo.example.org. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1",
         "001003666F6F076578616D706C65036F7267000000000400010004000100090268320568332D313900040004C0000201",
         "16 foo.example.org. mandatory=alpn,ipv4hint alpn=\"h2,h3-19\" ipv4hint=192.0.2.1"},
        {"SVCB", "16 foo.example.org. alpn=\"f\\\\\\\\oo\\\\,bar,h2\"",
         "001003666F6F076578616D706C65036F7267000001000C08665C6F6F2C626172026832", NULL},
        {"SVCB", "16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2",
         "001003666F6F076578616D706C65036F7267000001000C08665C6F6F2C626172026832",
         "16 foo.example.org. alpn=\"f\\\\\\\\oo\\\\,bar,h2\""},
        {"HTTPS", "1 . alpn=h2 no-default-alpn ech=AQAB dohpath=/dns-query{?dns} ipv6hint=::1",
         "0001000001000302683200020000000500030100010006001000000000000000000000000000000001000700102F646E732D717565727"
         "97B3F646E737D",
         "1 . alpn=\"h2\" no-default-alpn ech=AQAB ipv6hint=::1 key7=\"/dns-query{?dns}\""},
        {"HTTPS", "1 . alpn=\"h2\" key9=abc key65534=", "0001000001000302683200090003616263FFFE0000",
         "1 . alpn=\"h2\" key9=\"abc\" key65534"},
        {"HTTPS", "1 . ohttp", "00010000080000", "1 . key8"},
        {"DSYNC", "CDS NOTIFY 5359 cds-scanner.example.net.",
         "003B0114EF0B6364732D7363616E6E6572076578616D706C65036E657400", NULL},
        {"DSYNC", "CSYNC 5 5359 cds-scanner.example.net.",
         "003E0514EF0B6364732D7363616E6E6572076578616D706C65036E657400", NULL},
        {"HHIT", "AQAB", "010001", NULL},
        {"BRID", "AQAB", "010001", NULL},
        {"SPF", "\"v=spf1 -all\"", "0B763D73706631202D616C6C", NULL},
        {"NID", "10 0014:4fff:ff20:ee64", "000A00144FFFFF20EE64", NULL},
        {"L32", "10 10.1.2.0", "000A0A010200", NULL},
        {"L64", "10 2001:0DB8:1140:1000", "000A20010DB811401000", "10 2001:0db8:1140:1000"},
        {"L64", "10 2001:DB8:1:0", "000A20010DB800010000", "10 2001:0db8:0001:0000"},
        {"LP", "10 l64-subnet1.example.com.", "000A0B6C36342D7375626E657431076578616D706C6503636F6D00", NULL},
        {"EUI48", "00-00-5e-00-53-2a", "00005E00532A", NULL},
        {"EUI64", "00-00-5E-ef-10-00-00-2a", "00005EEF1000002A", "00-00-5e-ef-10-00-00-2a"},
        {"URI", "10 1 \"ftp://ftp1.example.com/public\"",
         "000A00016674703A2F2F667470312E6578616D706C652E636F6D2F7075626C6963", NULL},
        {"CAA", "0 issue \"ca.example.net; policy=ev\"",
         "0005697373756563612E6578616D706C652E6E65743B20706F6C6963793D6576", NULL},
        {"CAA", "128 tbs Unknown", "8003746273556E6B6E6F776E", "128 tbs \"Unknown\""},
        {"CAA", "0 iodef \"\"", "0005696F646566", NULL},
        {"AVC", "\"app-name:WOLFGANG|app-class:OAM\"",
         "1F6170702D6E616D653A574F4C4647414E477C6170702D636C6173733A4F414D", NULL},
        {"DOA", "1234567890 1234567890 1 \"image/gif\" R0lGODlhKAAZAA==",
         "499602D2499602D20109696D6167652F67696647494638396128001900", NULL},
        {"DOA", "0 1 2 \"\" -", "00000000000000010200", NULL},
        {"AMTRELAY", "10 0 1 203.0.113.15", "0A01CB00710F", NULL},
        {"AMTRELAY", "10 1 2 2001:db8::15", "0A8220010DB8000000000000000000000015", NULL},
        {"AMTRELAY", "128 1 3 amtrelays.example.com.", "808309616D7472656C617973076578616D706C6503636F6D00", NULL},
        {"AMTRELAY", "10 0 0 .", "0A00", NULL},
        {"RESINFO", "qnamemin exterr=15,16,17 infourl=https://resolver.example.com/guide",
         "08716E616D656D696E0F6578746572723D31352C31362C31372A696E666F75726C3D68747470733A2F2F7265736F6C7665722E6578616"
         "D706C652E636F6D2F6775696465",
         "\"qnamemin\" \"exterr=15,16,17\" \"infourl=https://resolver.example.com/guide\""},
        {"WALLET", "BTC abc", "0342544303616263", "\"BTC\" \"abc\""},
        {"TA", "1 8 99 aabb", "00010863AABB", "1 8 99 AABB"},
        {"DLV", "1 8 99 aabb", "00010863AABB", "1 8 99 AABB"},
        {"TYPE731", "\\# 6 abcd ef 01 23 45", "ABCDEF012345", "\\# 6 ABCDEF012345"},
        {"TYPE1", "\\# 4 0a000001", "0A000001", "10.0.0.1"},
        {"TYPE65535", "\\# 0", "", NULL},
        {"TXT", "foo\\;bar", "07666F6F3B626172", "\"foo;bar\""},
        {"TXT", "\"foo;bar\"", "07666F6F3B626172", NULL},
        {"TXT", "\"\\#\" ", "0123", "\"#\""},
        {"TXT", "\"\\000\\001\\127\\200\\255 ~\"", "0700017FC8FF207E", NULL},
        {"TXT", "\\\"\\;\\\"", "03223B22", "\"\\\";\\\"\""},
        {"TXT", "a\\098c", "03616263", "\"abc\""},
        {"NS", "\\000.\\032\\.\\\".x.", "010003202E22017800", NULL},
        {"NS", ".", "00", NULL},
        {"SOA", ". . 4294967295 0 0 0 0", "0000FFFFFFFF00000000000000000000000000000000", NULL},
        {"LOC", "60 9 0.000 N 24 39 0.000 E 10.00m 20m 2000m 20m", "002325238CE82360854A10A000989A68", NULL},
        {"LOC", "0 0 0.001 S 0 0 0.999 W -100000.00m 0.01m 0.10m 9m", "001011927FFFFFFF7FFFFC1900000000", NULL},
        {"HINFO", "\"\" \"\"", "0000", NULL},
        {"MX", "0 .", "000000", NULL},
        {"DS", "0 0 0 00", "0000000000", NULL},
        {"TLSA", "255 255 255 00", "FFFFFF00", NULL},
        {"SSHFP", "4 2 00", "040200", NULL},
        {"CAA", "1 a \"\\000\\\"\\\\\"", "01016100225C", NULL},
        {"NAPTR", "65535 0 \"\" \"\" \"\" a.B.", "FFFF00000000000161014200", NULL},
        {"TYPE0", "\\# 0", "", NULL},
        {"TYPE65280", "\\# 2 0aFf", "0AFF", "\\# 2 0AFF"},
        {"KEY", "49152 3 1", "C0000301", NULL},
        {"CERT", "0 0 0 AA==", "000000000000", NULL},
        {"CERT", "OID 0 0 AA==", "00FE00000000", NULL},
        {"TKEY", "gss.microsoft.com. 1 2 3 BADKEY 3 AQAB 0",
         "03677373096D6963726F736F667403636F6D0000000001000000020003001100030100010000", NULL},
        {"TSIG", "hmac-sha256. 281474976710655 300 3 AQAB 65535 BADTIME 6 AAAAAAAB",
         "0B686D61632D73686132353600FFFFFFFFFFFF012C0003010001FFFF00120006000000000001", NULL},
        {"CLA", "\"a\" \"b\"", "01610162", NULL},
        {"IPN", "18446744073709551615", "FFFFFFFFFFFFFFFF", NULL},
        {"NXNAME", "\\# 0", "", NULL},
        {"OPT", "\\# 4 00030000", "00030000", NULL},
        {"NULL", "\\# 0", "", NULL},
        {"AMTRELAY", "\\# 3 000401", "000401", NULL},
        {"LOC", "\\# 3 010203", "010203", NULL},
        {"SVCB", "\\# 7 00010000020000", "00010000020000", NULL},
        {"SVCB", "\\# 9 0001000000000201F4", "0001000000000201F4", NULL},
        {"SVCB", "1 . key65535=a", "000100FFFF000161", "1 . key65535=\"a\""},
        {"ATMA", "\\# 3 020102", "020102", NULL},
        {"APL", "\\# 4 00030000", "00030000", NULL},
        {"NXT", "\\# 3 006000", "006000", NULL},
        {"NXT", ". ", "00", "."},
        {"NXT", ". TYPE127 TYPE1", "0040000000000000000000000000000001", ". A TYPE127"},
        {"WKS", "\\# 6 010203040600", "010203040600", NULL},
        {"WKS", "1.2.3.4 255", "01020304FF", NULL},
        {"LOC", "\\# 16 0001161380000000800000000098967F", "0001161380000000800000000098967F", NULL},
        {"IPSECKEY", "\\# 4 0A040200", "0A040200", NULL},
        {"NSEC", "\\000. TYPE0 TYPE65535",
         "010000000180FF200000000000000000000000000000000000000000000000000000000000000001", NULL},
        {"RRSIG", "NS 13 2 4294967295 20380119031408 20380119031407 65535 a. AAAA",
         "00020D02FFFFFFFF800000007FFFFFFFFFFF016100000000", NULL},
        {"RRSIG", "NS 13 2 0 19691231235959 19700101000000 0 a. AAAA",
         "00020D0200000000FFFFFFFF000000000000016100000000", "NS 13 2 0 21060207062815 19700101000000 0 a. AAAA"},
        {"RRSIG", "NS 13 2 0 20240229120000 20000229000000 0 a. AAAA",
         "00020D020000000065E071C038BB0C000000016100000000", NULL},
        {"RRSIG", "NS 13 2 0 21060207062815 1 0 a. AAAA", "00020D0200000000FFFFFFFF000000010000016100000000",
         "NS 13 2 0 21060207062815 19700101000001 0 a. AAAA"},
        {"HTTPS", "1 a. key1=\"\\002h2\"", "000101610000010003026832", "1 a. alpn=\"h2\""},
        {"HTTPS", "0 a. mandatory=key7,port port=0 key7=", "0000016100000000040003000700030002000000070000",
         "0 a. mandatory=port,key7 port=0 key7"},
        {"HTTPS", "65535 . ech ipv4hint=1.2.3.4,255.255.255.255", "FFFF000004000801020304FFFFFFFF00050000",
         "65535 . ipv4hint=1.2.3.4,255.255.255.255 ech"},
        {"AAAA", "2001:db8:0:0:1:0:0:1", "20010DB8000000000001000000000001", "2001:db8::1:0:0:1"},
        {"AAAA", "2001:db8:0:1:1:1:1:1", "20010DB8000000010001000100010001", NULL},
        {"AAAA", "0:0:1::", "00000000000100000000000000000000", NULL},
        {"AAAA", "FFFF:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"DSYNC", "TYPE65534 255 0 .", "FFFEFF000000", NULL},
        {"DHCID", "AAAA", "000000", NULL},
        {"GPOS", "\"\" \"\" \"\"", "000000", NULL},
        {"L32", "65535 255.255.255.255", "FFFFFFFFFFFF", NULL},
        {"NID", "0 0:0:0:0", "00000000000000000000", "0 0000:0000:0000:0000"},
        {"NXT", ". 127 A", "0040000000000000000000000000000001", ". A TYPE127"},
        {"NSEC3", "2 0 65535 AA 00", "0200FFFF01AA0100", NULL},
        {"NSEC3", "255 255 0 - VVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVV",
         "FFFF00000023FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", NULL},
        {"SVCB", "1 . alpn=\"\\\"a\\\\,\\255\"", "000100000100050422612CFF", NULL},
        {"HTTPS", "1 . ipv4hint=\"1.2.3.4\"", "0001000004000401020304", "1 . ipv4hint=1.2.3.4"},
        {"UINFO", "\\# 1 61", "61", NULL},
        {"UID", "\\# 0", "", NULL},
        {"GID", "\\# 4 00000001", "00000001", NULL},
        {"UNSPEC", "\\# 1 00", "00", NULL},
};

/* Text that is refused, the token that is to blame, and why. */
static const struct {
	const char *type;
	const char *text;
	size_t token;
	const char *why;
} bad[] = {
        {"A", "", 0, "address is missing"},
        {"A", "1.2.3", 0, "address is not an IPv4 address"},
        {"A", "1.2.3.4.5", 0, "address is not an IPv4 address"},
        {"A", "1.2.3.256", 0, "address is not an IPv4 address"},
        {"A", "01.2.3.4", 0, "address is not an IPv4 address"},
        {"A", "1.2.3.4 5", 1, "more text than RDATA of this type takes"},
        {"A", "\"1.2.3.4\"", 0, "address may not be quoted"},
        {"AAAA", "1.2.3.4", 0, "address is not an IPv6 address"},
        {"AAAA", ":::", 0, "address is not an IPv6 address"},
        {"AAAA", "1:2:3:4:5:6:7:8:9", 0, "address is not an IPv6 address"},
        {"AAAA", "1:2:3:4:5:6:7", 0, "address is not an IPv6 address"},
        {"AAAA", "::1::", 0, "address is not an IPv6 address"},
        {"AAAA", "1::2::3", 0, "address is not an IPv6 address"},
        {"AAAA", "12345::", 0, "address is not an IPv6 address"},
        {"AAAA", "1:2:3:4:5:6:7:1.2.3.4", 0, "address is not an IPv6 address"},
        {"AAAA", ":1:2:3:4:5:6:7", 0, "address is not an IPv6 address"},
        {"AAAA", "1:2:3:4:5:6:7:", 0, "address is not an IPv6 address"},
        {"AAAA", "1:2:3:4:5:6:7:8::", 0, "address is not an IPv6 address"},
        {"AAAA", "::1:2:3:4:5:6:7:8", 0, "address is not an IPv6 address"},
        {"AAAA", "1:2:3:4::5:6:7:8", 0, "address is not an IPv6 address"},
        {"NS", "a..b.", 0, "name server has an empty label"},
        {"NS", ".a", 0, "name server has an empty label"},
        {"NS", "a\\", 0,
         "name server has a bad escape: a backslash takes three digits up to 255, or one other character"},
        {"NS", "\\256.", 0,
         "name server has a bad escape: a backslash takes three digits up to 255, or one other character"},
        {"NS", "\\1", 0,
         "name server has a bad escape: a backslash takes three digits up to 255, or one other character"},
        {"NS", "\\12", 0,
         "name server has a bad escape: a backslash takes three digits up to 255, or one other character"},
        {"MX", "65536 a.", 0, "preference is not a number from 0 to 65535"},
        {"MX", "-1 a.", 0, "preference is not a number from 0 to 65535"},
        {"MX", "1", 1, "mail server is missing"},
        {"MX", "1 a. b.", 2, "more text than RDATA of this type takes"},
        {"SOA", "a. b. 1 2 3 4", 6, "minimum is missing"},
        {"SOA", "a. b. 1 1x 3 4 5", 3, "refresh is not a time of at most 4294967295 seconds, such as 3600 or 1h30m"},
        {"SOA", "a. b. 4294967296 1 3 4 5", 2, "serial is not a number from 0 to 4294967295"},
        {"SOA", "a. b. 1 7102w 3 4 5", 3, "refresh is not a time of at most 4294967295 seconds, such as 3600 or 1h30m"},
        {"SOA", "a. b. 1h 1 3 4 5", 2, "serial is not a number from 0 to 4294967295"},
        {"SOA", "a. b. 1 1h30 3 4 5", 3, "refresh is not a time of at most 4294967295 seconds, such as 3600 or 1h30m"},
        {"TXT", "", 0, "text is missing"},
        {"HINFO", "a", 1, "operating system is missing"},
        {"HINFO", "a b c", 2, "more text than RDATA of this type takes"},
        {"DS", "1 8 2 AABB", 3, "its digest has not the 32 octets of SHA-256"},
        {"DS", "1 8 1 AA", 3, "its digest has not the 20 octets of SHA-1"},
        {"DS", "1 8 4 AA", 3, "its digest has not the 48 octets of SHA-384"},
        {"DS", "1 8 99", 3, "digest is missing"},
        {"DS", "1 8 99 A", 3, "digest has an odd number of hexadecimal digits"},
        {"DS", "1 8 99 AG", 3, "digest is not hexadecimal"},
        {"DS", "1 FOO 99 AA", 1, "algorithm is neither a number nor a word for one"},
        {"CDS", "0 0 0", 3, "digest is missing"},
        {"TYPE59", "\\# 2 0000", 2, "RDATA is no good CDS: it is cut short"},
        {"TYPE43", "\\# 24 000108020000000000000000000000000000000000000000", 2,
         "RDATA is no good DS: its digest has not the 32 octets of SHA-256"},
        {"ZONEMD", "1 1 1 AA", 3, "its digest has not the 48 octets of SHA-384"},
        {"ZONEMD", "1 1 240 AABBCCDDEEFF0011223344", 3, "its digest has less than 12 octets"},
        {"RRSIG", "A 8 0 86400 20300230000000 20200229235959 20326 . AQAB", 4,
         "expiration is not a time as YYYYMMDDHHmmSS or in seconds since 1970"},
        {"RRSIG", "A 8 0 86400 20300131240000 20200229235959 20326 . AQAB", 4,
         "expiration is not a time as YYYYMMDDHHmmSS or in seconds since 1970"},
        {"RRSIG", "A 8 0 86400 20301301000000 20200229235959 20326 . AQAB", 4,
         "expiration is not a time as YYYYMMDDHHmmSS or in seconds since 1970"},
        {"RRSIG", "A 8 0 86400 20300101000000 20200229235959 20326 .", 8, "signature is missing"},
        {"RRSIG", "A 8 0 86400 20300101000000 20200229235959 20326 . AQA", 8,
         "signature is cut short: base 64 comes in groups of four"},
        {"RRSIG", "A 8 0 86400 20300101000000 20200229235959 20326 . AQ==AQ", 8, "signature is not base 64"},
        {"RRSIG", "FOO 8 0 86400 20300101000000 20200229235959 20326 . AQAB", 0, "type covered is no RR type"},
        {"RRSIG", "A 8 0 1h 20300101000000 20200229235959 20326 . AQAB", 3,
         "original TTL is not a number from 0 to 4294967295"},
        {"NSEC", "a.", 1, "type list is missing"},
        {"NSEC", "a. FOO", 1, "type list has an unknown RR type"},
        {"NSEC3", "1 0 0 -", 4, "next hashed owner is missing"},
        {"NSEC3", "1 0 0 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJ", 4, "next hashed owner is not base 32 (RFC 4648 7)"},
        {"NSEC3", "1 0 0 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJW", 4, "next hashed owner is not base 32 (RFC 4648 7)"},
        {"NSEC3", "1 0 0 ABC 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR", 3, "salt is not hexadecimal or -"},
        {"NSEC3PARAM", "1 0 0", 3, "salt is missing"},
        {"NSEC3PARAM", "1 0 0 \"-\"", 3, "salt may not be quoted"},
        {"NSEC3PARAM", "1 0 65536 -", 2, "iterations is not a number from 0 to 65535"},
        {"TYPE51", "\\# 4 01000001", 2, "RDATA is no good NSEC3PARAM: it is cut short"},
        {"TYPE50", "\\# 6 010000000000", 2, "RDATA is no good NSEC3: its hash is empty"},
        {"KEY", "256 3 1", 2, "it has no public key, and its flags do not say NOKEY"},
        {"KEY", "ZONE|HOST 3 1 AQAB", 0, "flags is neither a number nor a word for one"},
        {"KEY", "ZONE| 3 1 AQAB", 0, "flags is neither a number nor a word for one"},
        {"KEY", "65536 3 1 AQAB", 0, "flags is neither a number nor a word for one"},
        {"KEY", "0 NONSENSE 1 AQAB", 1, "protocol is neither a number nor a word for one"},
        {"DNSKEY", "ZONE 3 8 AQAB", 0, "flags is not a number from 0 to 65535"},
        {"DNSKEY", "256 DNSSEC 8 AQAB", 1, "protocol is not a number from 0 to 255"},
        {"ATMA", "+", 0, "address is not + and digits"},
        {"ATMA", "+1..2", 0, "address is not + and digits"},
        {"ATMA", "+12.", 0, "address is not + and digits"},
        {"DNSKEY", "257 3 8", 3, "public key is missing"},
        {"DNSKEY", "257 3 8 A", 3, "public key is cut short: base 64 comes in groups of four"},
        {"DNSKEY", "257 3 300 AQAB", 2, "algorithm is neither a number nor a word for one"},
        {"DNSKEY", "257 3 8 A===", 3, "public key is not base 64"},
        {"DNSKEY", "257 3 8 AB==", 3, "public key is not base 64"},
        {"DNSKEY", "257 3 8 AAB=", 3, "public key is not base 64"},
        {"X25", "12", 0, "its address has less than four digits"},
        {"GPOS", "a b", 2, "altitude is missing"},
        {"ISDN", "", 0, "address is missing"},
        {"LOC", "91 N 0 E 0", 0, "latitude is not an angle from 0 to 90 degrees, such as 52 22 23.000 N"},
        {"LOC", "90 0 0.001 N 0 E 0", 3, "latitude is not an angle from 0 to 90 degrees, such as 52 22 23.000 N"},
        {"LOC", "60 60 N 0 E 0", 1, "latitude is not an angle from 0 to 90 degrees, such as 52 22 23.000 N"},
        {"LOC", "0 0 60 N 0 E 0", 2, "latitude is not an angle from 0 to 90 degrees, such as 52 22 23.000 N"},
        {"LOC", "0 0 0.0001 N 0 E 0", 2, "latitude is not an angle from 0 to 90 degrees, such as 52 22 23.000 N"},
        {"LOC", "0 N 181 E 0", 2, "longitude is not an angle from 0 to 180 degrees, such as 52 22 23.000 E"},
        {"LOC", "0 X 0 E 0", 1, "latitude is not an angle from 0 to 90 degrees, such as 52 22 23.000 N"},
        {"LOC", "0 N 0 E", 4, "altitude is missing"},
        {"LOC", "0 N 0 E -100001m", 4, "altitude is not from -100000.00m to 42849672.95m"},
        {"LOC", "0 N 0 E 42849673m", 4, "altitude is not from -100000.00m to 42849672.95m"},
        {"LOC", "0 N 0 E 0 90000001m", 5, "size is not from 0 to 90000000.00m"},
        {"LOC", "0 N 0 E 0 99999999m", 5, "size is not from 0 to 90000000.00m"},
        {"LOC", "0 N 0 E 0 100000000m", 5, "size is not from 0 to 90000000.00m"},
        {"LOC", "0 N 0 E 0 1 2 3 4", 8, "more text than RDATA of this type takes"},
        {"TYPE29", "\\# 16 00121613FFFFFFFF8000000000989680", 2,
         "RDATA is no good LOC: a field is out of its range (RFC 1876 2)"},
        {"APL", "1:1.2.3.4/33", 0, "prefix is not of the form 1:192.0.2.0/24 or !2:2001:db8::/32"},
        {"APL", "3:1.2.3.4/3", 0, "prefix is not of the form 1:192.0.2.0/24 or !2:2001:db8::/32"},
        {"APL", "1.2.3.4/3", 0, "prefix is not of the form 1:192.0.2.0/24 or !2:2001:db8::/32"},
        {"APL", "1:1.2.3.4", 0, "prefix is not of the form 1:192.0.2.0/24 or !2:2001:db8::/32"},
        {"APL", "2:::/129", 0, "prefix is not of the form 1:192.0.2.0/24 or !2:2001:db8::/32"},
        {"TYPE42", "\\# 5 0001080100", 2, "RDATA is no good APL: an address ends with a zero octet"},
        {"SVCB", "0", 1, "target is missing"},
        {"SVCB", "foo.", 0, "priority is not a number from 0 to 65535"},
        {"SVCB", "1 . foo=bar", 2, "parameter 'foo' is not known"},
        {"SVCB", "1 . key123=abc key123=def", 3, "parameter key123 is given twice"},
        {"SVCB", "1 . mandatory", 2, "parameter mandatory has a bad value"},
        {"SVCB", "1 . alpn", 2, "parameter alpn has a bad value"},
        {"SVCB", "1 . port", 2, "parameter port has a bad value"},
        {"SVCB", "1 . ipv4hint", 2, "parameter ipv4hint has a bad value"},
        {"SVCB", "1 . ipv6hint", 2, "parameter ipv6hint has a bad value"},
        {"SVCB", "1 . no-default-alpn=abc", 2, "parameter no-default-alpn has a bad value"},
        {"SVCB", "1 . mandatory=key123", 2,
         "parameter set is inconsistent: mandatory lists a parameter that is not there"},
        {"SVCB", "1 . mandatory=mandatory", 2, "parameter mandatory has a bad value"},
        {"SVCB", "1 . mandatory=key123,key123 key123=abc", 2, "parameter mandatory has a bad value"},
        {"SVCB", "1 . no-default-alpn", 2, "parameter set is inconsistent: no-default-alpn needs alpn"},
        {"SVCB", "1 . port=65536", 2, "parameter port has a bad value"},
        {"SVCB", "1 . port=-1", 2, "parameter port has a bad value"},
        {"SVCB", "1 . key65536=a", 2, "parameter 'key65536' is not known"},
        {"SVCB", "1 . ALPN=h2", 2, "parameter 'ALPN' is not known"},
        {"SVCB", "1 . KEY667=a", 2, "parameter 'KEY667' is not known"},
        {"SVCB", "1 . key01=a", 2, "parameter 'key01' is not known"},
        {"SVCB", "1 . key=a", 2, "parameter 'key' is not known"},
        {"SVCB", "1 . alpn=,", 2, "parameter alpn has a bad value"},
        {"SVCB", "1 . alpn=h2,", 2, "parameter alpn has a bad value"},
        {"SVCB", "1 . alpn=\"h\\\\2\"", 3, "parameter alpn has a bad value"},
        {"SVCB", "1 . alpn=\"h\\2\"", 3, "parameter has a bad escape or is too long"},
        {"SVCB", "1 . ipv4hint=1.2.3", 2, "parameter ipv4hint has a bad value"},
        {"SVCB", "1 . ipv4hint=1.2.3.4,", 2, "parameter ipv4hint has a bad value"},
        {"SVCB", "1 . ech=A", 2, "parameter ech has a bad value"},
        {"SVCB", "1 . \"alpn=h2\"", 2, "parameter may not be quoted"},
        {"TYPE64", "\\# 7 00010000010000", 2, "RDATA is no good SVCB: a service parameter has a malformed value"},
        {"TYPE64", "\\# 5 0001000003", 2, "RDATA is no good SVCB: a service parameter is cut short"},
        {"TYPE64", "\\# 11 0001000004000000030002", 2,
         "RDATA is no good SVCB: a service parameter has a malformed value"},
        {"IPSECKEY", "10 4 2 foo. AQAB", 1, "gateway type is not a number from 0 to 3"},
        {"IPSECKEY", "10 1 2 foo. AQAB", 3, "gateway is not an IPv4 address"},
        {"AMTRELAY", "10 2 1 1.2.3.4", 1, "discovery optional is not a number from 0 to 1"},
        {"HIP", "2 2001 ", 2, "key is missing"},
        {"HIP", "2 200 AQAB", 1, "tag is not hexadecimal of at most 255 octets"},
        {"CAA", "256 issue a", 0, "flags is not a number from 0 to 255"},
        {"CAA", "0 \"\" a", 1, "tag is not made of letters and digits"},
        {"CAA", "0 issue", 2, "value is missing"},
        {"URI", "1 2", 2, "target is missing"},
        {"URI", "1 2 \"\"", 2, "its target is empty"},
        {"TYPE256", "\\# 4 00010002", 2, "RDATA is no good URI: its target is empty"},
        {"EUI48", "00-00-5e-00-53", 0, "address is not 6 octets in hexadecimal with hyphens between them"},
        {"EUI48", "00-00-5e-00-53-2a-00", 0, "address is not 6 octets in hexadecimal with hyphens between them"},
        {"EUI48", "00:00:5e:00:53:2a", 0, "address is not 6 octets in hexadecimal with hyphens between them"},
        {"EUI64", "00-00-5e-00-53-2a", 0, "address is not 8 octets in hexadecimal with hyphens between them"},
        {"NID", "1 1:2:3", 1, "node identifier is not four groups of hexadecimal digits with colons between them"},
        {"NID", "1 1:2:3:4:5", 1, "node identifier is not four groups of hexadecimal digits with colons between them"},
        {"NID", "1 12345:2:3:4", 1,
         "node identifier is not four groups of hexadecimal digits with colons between them"},
        {"NID", "1 1::3:4", 1, "node identifier is not four groups of hexadecimal digits with colons between them"},
        {"L32", "1 1.2.3", 1, "locator is not an IPv4 address"},
        {"CERT", "FOO 1 1 AQAB", 0, "certificate type is neither a number nor a word for one"},
        {"DSYNC", "CDS FOO 1 a.", 1, "scheme is neither a number nor a word for one"},
        {"DSYNC", "CDS 256 1 a.", 1, "scheme is neither a number nor a word for one"},
        {"TLSA", "3 1 1", 3, "certificate data is missing"},
        {"TLSA", "3 1 256 AA", 2, "matching type is not a number from 0 to 255"},
        {"SSHFP", "1 1", 2, "fingerprint is missing"},
        {"NAPTR", "1 2 \"a\" \"b\" \"c\"", 5, "replacement is missing"},
        {"NAPTR", "1 2 \"a\" \"b\" a.", 5, "replacement is missing"},
        {"WKS", "1.2.3.4", 1, "protocol is missing"},
        {"WKS", "1.2.3.4 foo", 1, "protocol is unknown; give its number"},
        {"WKS", "1.2.3.4 tcp foo", 2, "service is unknown; give its port"},
        {"WKS", "1.2.3.4 tcp 65536", 2, "service is unknown; give its port"},
        {"NXT", "a. CAA", 1, "type list has an RR type that is not one of 1 to 127"},
        {"NSAP", "47", 0, "address is not 0x and octets in hexadecimal"},
        {"NSAP", "0x4", 0, "address is not 0x and octets in hexadecimal"},
        {"NSAP", "0x", 0, "address is not 0x and octets in hexadecimal"},
        {"ATMA", "+12a", 0, "address is not + and digits"},
        {"A6", "64 1.2.3.4 foo.", 1, "address suffix is not an IPv6 address"},
        {"A6", "128 a..b", 1, "prefix name has an empty label"},
        {"IPSECKEY", "10 0 2 a. AQAB", 3, "gateway is not '.', as it must be with type 0"},
        {"IPSECKEY", "10 0 2 . A", 4, "public key is cut short: base 64 comes in groups of four"},
        {"IPSECKEY", "10 0 300 . AQAB", 2, "algorithm is not a number from 0 to 255"},
        {"AMTRELAY", "10 0 2 1.2.3.4", 3, "relay is not an IPv6 address"},
        {"AMTRELAY", "10 0 4 .", 2, "relay type is not a number from 0 to 3"},
        {"HIP", "FOO 2001 AQAB", 0, "key algorithm is neither a number nor a word for one"},
        {"HIP", "2 2001 A", 2, "key is not base 64"},
        {"HIP", "2 2001 AQAB a..b", 3, "rendezvous server has an empty label"},
        {"LOC", "0 N 0 E 0 1 90000001m", 6, "horizontal precision is not from 0 to 90000000.00m"},
        {"LOC", "0 N 0 E 0 1 1 1x", 7, "vertical precision is not from 0 to 90000000.00m"},
        {"A6", "129 foo.", 0, "prefix length is not a number from 0 to 128"},
        {"A6", "64 ::1", 2, "prefix name is missing"},
        {"A6", "0 ::1 foo.", 2, "more text than RDATA of this type takes"},
        {"DHCID", "", 0, "identifier is missing"},
        {"OPENPGPKEY", "", 0, "key is missing"},
        {"CSYNC", "1", 1, "flags is missing"},
        {"NULL", "foo", 0, "RDATA has no notation for this type but \\# LENGTH HEX"},
        {"NULL", "", 0, "RDATA is missing"},
        {"TYPE1", "\\# 2 0102", 2, "RDATA is no good A: it is cut short"},
        {"TYPE1", "\\# 4 010203", 2, "RDATA has 3 octets, not the 4 that it says"},
        {"TYPE65535", "\\# 1", 1, "RDATA has 0 octets, not the 1 that it says"},
        {"TYPE65535", "\\# 0 00", 2, "RDATA has 1 octets, not the 0 that it says"},
        {"TYPE65535", "\\# 65536", 1, "RDATA length is not a number from 0 to 65535"},
        {"TYPE65535", "foo", 0, "RDATA has no notation for this type but \\# LENGTH HEX"},
        {"TYPE65535", "\\#", 1, "RDATA length is missing"},
        {"TYPE65535", "\"\\#\" 0", 0, "RDATA has no notation for this type but \\# LENGTH HEX"},
        {"A", "\\# 4 01020304 05", 3, "RDATA has 5 octets, not the 4 that it says"},
        {"DOA", "1 2 3 \"a\"", 4, "data is missing"},
        {"TKEY", "foo. 1 2 3 4 3 AQAB", 7, "other size is missing"},
        {"CLA", "", 0, "text is missing"},
        {"NSEC3", "1 0 0 - 00", 4, "its hash has not the 20 octets of SHA-1"},
        {"LOC", "0 N 0 E .", 4, "altitude is not from -100000.00m to 42849672.95m"},
        {"LOC", "0 N 0 E .001", 4, "altitude is not from -100000.00m to 42849672.95m"},
        {"TYPE50", "\\# 8 0100FFFF01AA0100", 2, "RDATA is no good NSEC3: its hash has not the 20 octets of SHA-1"},
        {"NXT", "a. 128", 1, "type list has an RR type that is not one of 1 to 127"},
        {"NXT", "a. 0", 1, "type list has an RR type that is not one of 1 to 127"},
        /* Only character strings may be quoted. */
        {"APL", "\"1:192.0.2.0/24\"", 0, "prefix may not be quoted"},
        {"CSYNC", "66 3 A \"NS\"", 3, "type list may not be quoted"},
        {"NXT", "a. \"A\"", 1, "type list may not be quoted"},
        {"LOC", "0 N 0 E 0 \"1m\"", 5, "size may not be quoted"},
        {"DNSKEY", "257 3 8 \"AQAB\"", 3, "public key may not be quoted"},
        {"HIP", "2 \"2001\" AQAB", 1, "tag may not be quoted"},
        {"WKS", "192.0.2.1 \"tcp\"", 1, "protocol may not be quoted"},
        {"WKS", "192.0.2.1 tcp \"smtp\"", 2, "service may not be quoted"},
        {"TKEY", "foo. 1 2 3 4 3 \"AQAB\" 0", 6, "key size may not be quoted"},
        {"TKEY", "foo. 1 2 3 4 3 A-AB 0", 6, "key size is not followed by base 64"},
        {"APL", "1:1.2.3/24", 0, "prefix is not of the form 1:192.0.2.0/24 or !2:2001:db8::/32"},
        {"APL", "2:1.2.3.4/24", 0, "prefix is not of the form 1:192.0.2.0/24 or !2:2001:db8::/32"},
        {"LOC", "0 N 0 E 0.x", 4, "altitude is not from -100000.00m to 42849672.95m"},
};

static uint16_t type_of(const char *mnemonic)
{
	uint16_t type;
	if (!dns_type_from_text(mnemonic, strlen(mnemonic), &type)) {
		fail_msg("no type %s", mnemonic);
	}
	return type;
}

/* `rdata` written as text. The caller frees it. */
static char *text_of(uint16_t type, const uint8_t *rdata, size_t len)
{
	struct text text;
	text_init(&text, 1000000);
	dns_rdata_to_text(type, rdata, len, &text);
	assert_false(text.failed);
	return text.chars;
}

static void expect_hex(const uint8_t *rdata, size_t len, const char *hex)
{
	struct text text;
	text_init(&text, 1000000);
	dns_rdata_to_text_generic(rdata, len, &text);
	const char *digits = strchr(text_string(&text) + 3, ' ');
	assert_string_equal(digits == NULL ? "" : digits + 1, hex);
	text_deinit(&text);
}

TEST(text_gives_octets_and_octets_give_text)
{
	for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
		uint16_t type = type_of(good[i].type);
		uint8_t rdata[1000];
		struct writer out = writer_of(rdata, sizeof rdata);
		struct dns_rdata_error error = {.text = ""};
		const char *why;
		if (!parse_rdata(type, good[i].text, &out, &error)) {
			fail_msg("%s %s: token %zu: %s", good[i].type, good[i].text, error.token, error.text);
		}
		size_t len = writer_len(&out);
		expect_hex(rdata, len, good[i].hex);
		if (!dns_rdata_check(type, rdata, len, &why)) {
			fail_msg("%s %s: %s", good[i].type, good[i].text, why);
		}
		char *text = text_of(type, rdata, len);
		assert_string_equal(text, good[i].again == NULL ? good[i].text : good[i].again);

		uint8_t again[1000];
		struct writer again_out = writer_of(again, sizeof again);
		assert_true(parse_rdata(type, text, &again_out, &error));
		assert_int_equal(writer_len(&again_out), len);
		assert_memory_equal(again, rdata, len);
		free(text);
	}
}

TEST(generic_form_gives_the_same_octets)
{
	for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
		uint16_t type = type_of(good[i].type);
		char text[2000];
		uint8_t rdata[1000];
		struct writer out = writer_of(rdata, sizeof rdata);
		struct dns_rdata_error error;
		snprintf(text, sizeof text, "\\# %zu %s", strlen(good[i].hex) / 2, good[i].hex);
		assert_true(parse_rdata(type, text, &out, &error));
		expect_hex(rdata, writer_len(&out), good[i].hex);
	}
}

TEST(wrong_text_is_refused_with_the_token_and_the_reason)
{
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		uint16_t type = type_of(bad[i].type);
		uint8_t rdata[1000];
		struct writer out = writer_of(rdata, sizeof rdata);
		struct dns_rdata_error error = {.text = ""};
		if (parse_rdata(type, bad[i].text, &out, &error)) {
			fail_msg("%s %s is taken", bad[i].type, bad[i].text);
		}
		assert_string_equal(error.text, bad[i].why);
		assert_int_equal(error.token, bad[i].token);
	}
}

TEST(every_type_has_its_text_among_the_good_ones)
{
	for (uint32_t type = 1; type <= UINT16_MAX; type++) {
		char mnemonic[DNS_MNEMONIC_MAX];
		bool found = rdata_row_find((uint16_t)type)->mnemonic == NULL;
		dns_type_to_text((uint16_t)type, mnemonic);
		for (size_t i = 0; i < ARRAY_LENGTH(good) && !found; i++) {
			found = strcmp(good[i].type, mnemonic) == 0;
		}
		if (!found) {
			fail_msg("no %s", mnemonic);
		}
	}
}

/* What passes the check has a text that reads back to it (I1). */
static void expect_refused_or_read_back(const char *mnemonic, const uint8_t *rdata, size_t len)
{
	uint8_t again[1100];
	struct dns_rdata_error error;
	struct writer out = writer_of(again, sizeof again);
	uint16_t type = type_of(mnemonic);
	if (!dns_rdata_check(type, rdata, len, NULL)) {
		return;
	}
	char *text = text_of(type, rdata, len);
	if (!parse_rdata(type, text, &out, &error)) {
		fail_msg("%s %s: %s", mnemonic, text, error.text);
	}
	assert_int_equal(writer_len(&out), len);
	assert_memory_equal(again, rdata, len);
	free(text);
}

TEST(changed_octets_are_refused_or_read_back)
{
	struct random_seeded random;
	random_seeded_init(&random, unit_seed());
	for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
		uint8_t rdata[1000];
		struct writer out = writer_of(rdata, sizeof rdata);
		struct dns_rdata_error error;
		assert_true(parse_rdata(type_of(good[i].type), good[i].text, &out, &error));
		size_t len = writer_len(&out);
		for (size_t round = 0; round < 300 && len > 0; round++) {
			uint8_t *changed = malloc(len);
			memcpy(changed, rdata, len);
			for (size_t changes = 1 + random_below(&random.source, 3); changes > 0; changes--) {
				changed[random_below(&random.source, len)] = (uint8_t)random_below(&random.source, 256);
			}
			expect_refused_or_read_back(good[i].type, changed, len);
			free(changed);
		}
	}
}

TEST(octets_cut_short_or_too_many_are_refused_or_read_back)
{
	for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
		uint16_t type = type_of(good[i].type);
		uint8_t rdata[1000];
		struct writer out = writer_of(rdata, sizeof rdata);
		struct dns_rdata_error error;
		assert_true(parse_rdata(type, good[i].text, &out, &error));
		size_t whole = writer_len(&out);
		rdata[whole] = 0;
		for (size_t len = 0; len <= whole + 1; len++) {
			uint8_t *exact = malloc(len > 0 ? len : 1);
			memcpy(exact, rdata, len);
			expect_refused_or_read_back(good[i].type, exact, len);
			free(exact);
		}
	}
}

TEST(character_string_has_255_octets_at_most)
{
	char text[1200];
	uint8_t rdata[600];
	struct dns_rdata_error error;
	for (size_t len = 255; len <= 256; len++) {
		memset(text, 'x', len);
		text[len] = '\0';
		struct writer bare = writer_of(rdata, sizeof rdata);
		assert_int_equal(parse_rdata(DNS_TYPE_TXT, text, &bare, &error), len == 255);
		text[0] = '"';
		memset(text + 1, 'x', len);
		strcpy(text + 1 + len, "\"");
		struct writer quoted = writer_of(rdata, sizeof rdata);
		assert_int_equal(parse_rdata(DNS_TYPE_TXT, text, &quoted, &error), len == 255);
	}
	char *at = text;
	for (size_t i = 0; i < 255; i++) {
		at = stpcpy(at, "\\000");
	}
	struct writer out = writer_of(rdata, sizeof rdata);
	assert_true(parse_rdata(DNS_TYPE_TXT, text, &out, &error));
	assert_int_equal(writer_len(&out), 256);
	assert_int_equal(rdata[255], 0);
	stpcpy(at, "\\000");
	out = writer_of(rdata, sizeof rdata);
	assert_false(parse_rdata(DNS_TYPE_TXT, text, &out, &error));
	assert_string_equal(error.text, "text is a string longer than 255 octets");
}

/* RFC 5155 3.2: the length of a salt is one octet. */
TEST(salt_has_255_octets_at_most)
{
	for (unsigned octets = 255; octets <= 256; octets++) {
		char text[600] = "1 0 0 ";
		uint8_t rdata[300];
		struct writer out = writer_of(rdata, sizeof rdata);
		struct dns_rdata_error error = {.text = ""};
		memset(text + strlen(text), 'A', 2 * (size_t)octets);
		assert_int_equal(parse_rdata(type_of("NSEC3PARAM"), text, &out, &error), octets == 255);
		assert_string_equal(error.text, octets == 255 ? "" : "salt is longer than 255 octets");
	}
}

TEST(rdata_that_does_not_fit_is_refused)
{
	for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
		for (size_t room = 0; room < strlen(good[i].hex) / 2; room++) {
			uint8_t *rdata = malloc(room > 0 ? room : 1);
			struct writer out = writer_of(rdata, room);
			struct dns_rdata_error error = {.text = ""};
			assert_false(parse_rdata(type_of(good[i].type), good[i].text, &out, &error));
			assert_string_not_equal(error.text, "");
			free(rdata);
		}
	}
}

TEST(rdata_of_65535_octets_is_the_longest)
{
	static char text[2 * 65536 + 40];
	static uint8_t rdata[70000];
	struct dns_rdata_error error;
	for (size_t len = 65535; len <= 65536; len++) {
		int used = snprintf(text, sizeof text, "0 issue \"");
		memset(text + used, 'x', len - 7);
		strcpy(text + (size_t)used + len - 7, "\"");
		struct writer out = writer_of(rdata, sizeof rdata);
		assert_int_equal(parse_rdata(257, text, &out, &error), len == 65535);
	}
	assert_string_equal(error.text, "the RDATA is too long");
	assert_false(dns_rdata_check(731, rdata, 65536, NULL));
}

TEST(relative_names_get_the_origin)
{
	uint8_t rdata[100];
	struct writer out = writer_of(rdata, sizeof rdata);
	struct dns_rdata_error error;
	struct dns_token token = {.chars = "www", .len = 3};
	assert_true(dns_rdata_parse(DNS_TYPE_NS, &token, 1, (const uint8_t *)"\7example", &out, &error));
	expect_hex(rdata, writer_len(&out), "03777777076578616D706C6500");
	out = writer_of(rdata, sizeof rdata);
	assert_false(dns_rdata_parse(DNS_TYPE_NS, &token, 1, NULL, &out, &error));
	assert_string_equal(error.text, "name server is relative, and there is no origin");
}

TEST(service_parameter_may_be_quoted_in_either_token)
{
	uint8_t rdata[100];
	struct dns_rdata_error error;
	struct writer out = writer_of(rdata, sizeof rdata);
	struct dns_token whole[] = {
	        {.chars = "1", .len = 1}, {.chars = ".", .len = 1}, {.chars = "alpn=\"h2,h3\"", .len = 12}};
	assert_true(dns_rdata_parse(DNS_TYPE_SVCB, whole, 3, NULL, &out, &error));
	expect_hex(rdata, writer_len(&out), "00010000010006026832026833");
	/* A quoted token that stands apart is no value. */
	static const char text[] = "1 . key8= \"\"";
	out = writer_of(rdata, sizeof rdata);
	assert_false(parse_rdata(DNS_TYPE_SVCB, text, &out, &error));
	assert_string_equal(error.text, "parameter may not be quoted");
}
