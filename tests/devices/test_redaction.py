"""What is hidden in what devices show, and what is left: lines of configurations, and three outputs of each platform.

Secrets stand between « and » here; nothing else of a line may change.
"""

import re
import time

import pytest

from devices.domain.redaction import blanked, masked

#: Statements that hold a secret, of many platforms.
STATEMENTS = """\
enable secret 5 «$1$mERr$hx5rVt7rPNoS4wqbXKX7m0»
enable password «winter»
enable secret level 7 5 «$1$abcd$hx5rVt7rPNoS4wqbXKX7m0»
username x privilege 15 secret 5 «$1$xyz»
username bob password 0 «secret»
username bob secret «hunter2»
username admin password 5 «$5$abcdefgh$ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvw»  role network-admin
username admin role network-admin secret sha512 «$6$abc»
 password 7 «0822455D0A16»
 password «cisco»
 secret 5 «$1$abc»
snmp-server community «X» RO
snmp-server community «public» RO 10
snmp-server host 10.0.0.1 version 2c «public»
snmp-server host 10.0.0.1 «priv8»
snmp-server host 10.0.0.1 traps version 2c «priv8» udp-port 163
snmp-server host inside 10.1.1.1 community «c0m» version 2c
snmp-server user bob grp v3 auth sha «AuthPass1» priv aes 128 «PrivPass1»
snmp-server user admin network-admin auth md5 «0xabcdef» priv «0xabcdef12» localizedkey
tacacs-server key 7 «0312»
tacacs-server host 10.0.0.1 key 7 «0312»
radius-server host 1.2.3.4 auth-port 1812 acct-port 1813 key «testing123»
 key 7 «0822455D0A16»
 key «testing123»
 server-private 1.2.3.4 timeout 5 key «sss»
 pac key 7 «0822455D0A16»
 client 10.1.1.1 server-key 7 «0822455D0A16»
 key-string 7 «0312»
  key-string «hello»
 neighbor 1.2.3.4 password 7 «0822455D0A16»
 neighbor PEERS password «winter»
 ip ospf message-digest-key 1 md5 7 «0822455D0A16»
 ip ospf message-digest-key 1 md5 «ospfpw»
 ip ospf authentication-key «ospfpw»
 area 1 virtual-link 1.1.1.1 message-digest-key 1 md5 7 «0822455D0A16»
ntp authentication-key 1 md5 «104D000A0618» 7
 isis password «isispw» level-2
 area-password «areapw»
 domain-password «areapw»
 standby 1 authentication «hsrppw»
 standby 1 authentication md5 key-string 7 «0822455D0A16»
 vrrp 1 authentication text «vrrppw»
 ppp chap password 7 «0822455D0A16»
 ppp pap sent-username bob password 7 «0822455D0A16»
crypto isakmp key «X» address 1.2.3.4
crypto isakmp key 6 «required» address 0.0.0.0
 pre-shared-key address 1.2.3.4 key «psk1»
 pre-shared-key local «psk1»
 pre-shared-key «psk1»
  ikev2 remote-authentication pre-shared-key «psk1»
 wpa-psk ascii 0 «MyWifiKey»
 wpa-psk ascii «MyWifiKey»
 security wpa akm psk set-key ascii 0 «MyWifiKey»
ip http client password «abc»
ip ftp password 7 «0822455D0A16»
mpls ldp neighbor 1.2.3.4 password «abc»
 path ftp://user:«pass»@10.1.1.1/conf
key config-key password-encrypt «MasterKey1»
enable password «8Ry2YjIyt7RRXU24» encrypted
passwd «2KFQnbNIdI.2KYOU» encrypted
username bob password «8Ry2YjIyt7RRXU24» encrypted privilege 15
 ldap-login-password «abc»
set system root-authentication encrypted-password «"$6$abc"»
set system login user x authentication encrypted-password «"$6$abcdefgh$ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij"»
set snmp community «hidden» authorization read-only
set system radius-server 1.2.3.4 secret «"$9$abcdefg"»
set system tacplus-server 1.2.3.4 secret «"$9$abcdefg"»
set protocols bgp group x authentication-key «"$9$abcdefg"»
set protocols ospf area 0.0.0.0 interface ge-0/0/0.0 authentication md5 1 key «"$9$abcdefg"»
set security ike policy x pre-shared-key ascii-text «"$9$abcdefg"»
set system ntp authentication-key 1 value «"$9$abcdefg"»
set snmp v3 usm local-engine user x authentication-md5 authentication-key «"$9$abcdefg"»
set snmp v3 usm local-engine user x authentication-md5 authentication-password «abcdefg»
set access profile p client c chap-secret «"$9$abcdefg"»
set interfaces lo0 simple-password «"$9$abcdefg"»
            encrypted-password «"$6$abc"»; ## SECRET-DATA
        secret «"$9$abc"»; ## SECRET-DATA
    community «public» {
root:«$6$abcdefgh$ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ»:19000:0:99999:7:::
PASSWORD=«hunter2»
password = «hunter2»
    password: «hunter2»
  "password": «"hunter2"»,
rocommunity «public»
requirepass «foobared»
net user bob «P@ssw0rd» /add
    Key Content            : «hunter2»
        set password ENC «AbCdEf==»
        set psksecret ENC «AbCdEf==»
        set psksecret «plainpsk»
 local-user admin password irreversible-cipher «$1a$abc$def»
 snmp-agent community read cipher «%^%#abc%^%#»
 key authentication cipher «$c$3$abcdefghijklmnopqrs=»
 radius-server shared-key cipher «%^%#abc%^%#»
 ospf authentication-mode md5 1 cipher «%^%#abc%^%#»
/user add name=bob group=full password=«hunter2»
add authentication-types=wpa2-psk wpa2-pre-shared-key=«"hunter2"»
set system login user vyos authentication plaintext-password «'vyos'»
set vpn ipsec site-to-site peer 1.1.1.1 authentication pre-shared-secret «'abc'»
radius-server host 10.0.0.1 key ciphertext «AQBapabc»
set user admin password-hash «$1$abc»
set snmp community «mysnmp» read-only
password manager user-name "admin" sha1 «"abcdef"»
            password «"$2y$10$TQrZlpBDra86.qoexZUzQeBXDY1FcdDhGWdD9lLxMuFyPVSm0OGy6"»
configure account admin encrypted «"abc"»
wpa-passphrase «abcdefgh»
crypto pki import X pkcs12 terminal password «abc»
+snmp-server community «public» RO
- password 7 «0822455D0A16»
secret 0 7 «0822455D0A16» receive-lifetime infinite
mysql --password=«abc» -u root
"""
#: Sentences, settings and names, in which nothing is one.
PROSE = """\
Press any key to continue
password aging: 5 days
enable secret level
The key fingerprint is
The key fingerprint is: SHA256:abcdef
service password-encryption
service password-recovery
ip ssh key-exchange
ip ssh pubkey-chain
key chain OSPF
hostname password-vault
username bob nopassword
username bob ssh-key ssh-rsa AAAAB3NzaC1yc2E
 description the key customer password of nobody
Key name: R1.example.com
Key type: RSA KEYS
 Key is not exportable.
 Usage: General Purpose Key
crypto key generate rsa modulus 2048
crypto key zeroize rsa
% Password must be at least 8 characters
% Please answer 'yes' or 'no' for the secret question
Password:
Password: 
Enter the password please
User may change password    Yes
Password last set            11/27/2026 10:00:00 AM
Password expires             Never
Password required            Yes
Minimum password length:                              7
Minimum password age (days):                          1
Length of password history maintained:                None
Last password change					: Nov 27, 2026
Password expires					: never
Password inactive					: never
set community 65000:100 additive
neighbor 10.0.0.1 send-community both
 match community 10
set policy-options community CUST members 65000:1
  Community: 65000:100 65000:200
ip community-list standard X permit 65000:1
security passwords min-length 8
password encryption aes
mpls ldp password required
 authentication key-chain OSPF
 ip ospf authentication message-digest
ip rip authentication key-chain RIP
 mka pre-shared-key key-chain MKA
set system login password minimum-length 10
set system login password format sha512
set system services ssh key-exchange curve25519-sha256
set security ssh-known-hosts host x rsa-key AAAA
aaa authentication login default group tacacs+ local
aaa password restriction
bob's password has expired
Your password will expire in 5 days
%SSH-5-ENABLED: SSH 2.0 has been enabled
%PARSER-5-CFGLOG_LOGGEDCMD: User:bob  logged command:!exec: enable
username and password required
Enable secret warning
In order to access the device manager, an enable secret is required
The enable password you have chosen is the same as your enable secret.
 WARNING: Command has been added using a type 5 password. However, type 5 passwords will be deprecated
# The key to success is community
cipher suite TLS_AES_256
Authentication methods:publickey,keyboard-interactive,password
Community name of the group
no password
no enable password
 tunnel key 100
key 1
 key 1
  key-hash ssh-rsa 0123456789ABCDEF bob
SNMP community mode is disabled
Public key
ssh-keygen -t rsa
debug1: Server host key: ssh-ed25519 SHA256:abc
Number of password retries is 3
PasswordAuthentication yes
PermitRootLogin prohibit-password
secret key
key pairs were generated at: 10:00:00
password authentication
 RADIUS server key mismatch
set password policy
echo $1$2
token ring
snmp-server enable traps authentication
snmp-server group G v3 priv read ALL
snmp-server host 10.0.0.1 version 3 auth bob
set snmp v3 vacm access group x default-context-prefix security-model usm security-level privacy read-view all
 authentication pre-share
 keyring default
 crypto keyring K
 key-exchange group14
isakmp keepalive 10
The secret of happiness
Secret: none
password: required
"""

OUTPUTS = {
    "cisco_ios: show running-config": """\
Building configuration...

Current configuration : 4512 bytes
!
service password-encryption
hostname edge-1
!
enable secret 9 «$9$nhEmQVczB7dqsO$X.HsgL6x1il0RxkOSSvyQYwucySCt7qFm4v7pqCxkKM»
enable password 7 «0822455D0A16»
!
username ops privilege 15 secret 5 «$1$mERr$hx5rVt7rPNoS4wqbXKX7m0»
username guest nopassword
ip ssh key-exchange
ip domain name key.example.net
key chain OSPF
 key 1
  key-string 7 «070C285F4D06»
 key 12345
  key-string «s3cr3t»
crypto isakmp key «Winter2024» address 192.0.2.1
crypto ikev2 keyring K
 peer P
  address 192.0.2.1
  pre-shared-key local «left-key»
  pre-shared-key remote «right-key»
interface Gi0/1
 description password reset desk, key customer
 ip ospf message-digest-key 1 md5 7 «121A0C041104»
 standby 1 authentication md5 key-string 7 «070C285F4D06»
 tunnel key 100
dot11 ssid OFFICE
 wpa-psk ascii 7 «0822455D0A16»
router bgp 65000
 neighbor 192.0.2.9 password 7 «0822455D0A16»
 neighbor 192.0.2.9 send-community both
route-map OUT permit 10
 set community 65000:100 additive
snmp-server community «X» RO
snmp-server community «private» RW 10
snmp-server host 192.0.2.50 version 2c «X»
snmp-server enable traps authentication
tacacs-server key 7 «0822455D0A16»
radius server R1
 address ipv4 192.0.2.60 auth-port 1812 acct-port 1813
 key 7 «0822455D0A16»
ntp authentication-key 1 md5 «104D000A0618» 7
ntp trusted-key 1
line vty 0 4
 password 7 «0822455D0A16»
 login authentication default
end
""",
    "cisco_ios: dialogue": """\
Press any key to continue
In order to access the device manager, an enable secret is required.
  Enter enable secret:
The enable password you have chosen is the same as your enable secret.
% Please choose a password that is different from the enable secret
Enter the new password:
% Password strength validation failed
% Key pair with that label exists; the old key is replaced.
The name for the keys will be: edge-1.example.net
% Generating 2048 bit RSA keys, keys will be non-exportable...
The key modulus size is 2048 bits
""",
    "cisco_ios: show crypto key and logging": """\
% Key pair was generated at: 10:00:00 UTC Nov 27 2026
Key name: edge-1.example.net
Key type: RSA KEYS
 Storage Device: private-config
 Usage: General Purpose Key
 Key is not exportable.
*Nov 27 10:00:00.000: %TCP-6-BADAUTH: No MD5 digest from 192.0.2.9(179) to 192.0.2.1(11000)
*Nov 27 10:00:01.000: %SEC_LOGIN-4-LOGIN_FAILED: Login failed [user: ops] [Reason: bad password]
BGP routing table entry for 198.51.100.0/24
  Community: 65000:100 65000:200
Community name: «public»
Community Index: «public»
""",
    "arista_eos: show running-config": """\
! Command: show running-config
! device: leaf-1 (vEOS, EOS-4.30.1F)
!
hostname leaf-1
enable password sha512 «$6$abcdefgh$ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvw»
username admin role network-admin secret sha512 «$6$abc»
username admin ssh-key ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ admin@host
snmp-server community «ops-ro» ro
tacacs-server key 7 «0822455D0A16»
radius-server host 192.0.2.60 key 7 «0822455D0A16»
ntp authentication-key 1 md5 7 «0822455D0A16»
ip community-list standard KEY permit 65000:1
management security
   password policy POLICY
      minimum length 12
   session shared-secret profile P
      secret 0 7 «0822455D0A16» receive-lifetime infinite transmit-lifetime infinite
router bgp 65000
   neighbor 192.0.2.9 password 7 «0822455D0A16»
   neighbor 192.0.2.9 send-community extended
end
""",
    "arista_eos: show management security": """\
CPU Model: Intel
Hardware password recovery: enabled
Password encryption: reversible
Public key authentication: yes
Entropy generation: hardware key
""",
    "arista_eos: messages": """\
% Password is too short
! Password will be stored in cleartext until the key is set
Warning: the key of profile P has expired, the next key is used
Login timed out: no password was given
""",
    "juniper_junos: show configuration": """\
## Last commit: 2026-11-27 10:00:00 UTC by ops
system {
    root-authentication {
        encrypted-password «"$6$abc$def"»; ## SECRET-DATA
    }
    login {
        password {
            minimum-length 12;
            format sha512;
        }
        user ops {
            authentication {
                ssh-rsa "ssh-rsa AAAAB3NzaC1yc2E ops@host";
            }
        }
    }
    tacplus-server {
        192.0.2.60 secret «"$9$abcdefg"»; ## SECRET-DATA
    }
}
snmp {
    community «public» {
        authorization read-only;
    }
}
policy-options {
    community CUST members 65000:100;
}
""",
    "juniper_junos: show configuration | display set": """\
set system host-name core-1
set system root-authentication encrypted-password «"$6$abc$def"»
set system login password minimum-length 12
set system services ssh key-exchange curve25519-sha256
set system services ssh root-login deny-password
set system radius-server 192.0.2.60 secret «"$9$abcdefg"»
set system ntp authentication-key 1 type md5
set system ntp authentication-key 1 value «"$9$abcdefg"»
set snmp community «hidden» authorization read-only
set protocols ospf area 0.0.0.0 interface ge-0/0/0.0 authentication md5 1 key «"$9$abcdefg"»
set protocols bgp group EXT authentication-key «"$9$abcdefg"»
set security ike policy P pre-shared-key ascii-text «"$9$abcdefg"»
set policy-options community CUST members 65000:100
""",
    "juniper_junos: messages": """\
New password:
Retype new password:
error: minimum password length is 6
error: require change of case, digits or punctuation
warning: statement must contain additional statements for the pre-shared-key
The authenticity of host '192.0.2.1' can't be established.
ECDSA key fingerprint is SHA256:abcdefghijklmnopqrstuvwxyz.
Are you sure you want to continue connecting (yes/no)?
""",
    "linux: files": """\
root:«$6$abcdefgh$ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ»:19000:0:99999:7:::
daemon:*:19000:0:99999:7:::
PasswordAuthentication yes
PermitRootLogin prohibit-password
DB_PASSWORD=«hunter2»
    password: «hunter2»
rocommunity «public» 192.0.2.0/24
proxy=http://ops:«s3cr3t»@proxy.example.net:3128/
-----BEGIN OPENSSH PRIVATE KEY-----
«b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ»
«AAAAMwAAAAtzc2gtZWQyNTUxOQ==»
-----END OPENSSH PRIVATE KEY-----
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
-----END PUBLIC KEY-----
""",
    "linux: chage and passwd": """\
Last password change                                    : Nov 27, 2026
Password expires                                        : never
Password inactive                                       : never
Minimum number of days between password change          : 0
passwd: password updated successfully
passwd: Authentication token manipulation error
You must change your password now and login again!
Current password:
ops P 11/27/2026 0 99999 7 -1
""",
    "linux: ssh-keygen": """\
Generating public/private ed25519 key pair.
Enter passphrase (empty for no passphrase):
Your identification has been saved in /home/ops/.ssh/id_ed25519
Your public key has been saved in /home/ops/.ssh/id_ed25519.pub
The key fingerprint is:
SHA256:abcdefghijklmnopqrstuvwxyz ops@host
The key's randomart image is:
""",
    "windows: net user": """\
User name                    bob
Full Name                    Bob
Password last set            11/27/2026 10:00:00 AM
Password expires             Never
Password changeable          11/28/2026 10:00:00 AM
Password required            Yes
User may change password     Yes
The command completed successfully.
""",
    "windows: net accounts": """\
Minimum password age (days):                          1
Maximum password age (days):                          42
Minimum password length:                              7
Length of password history maintained:                24
Lockout threshold:                                    Never
""",
    "windows: lines and netsh": """\
net user bob «P@ssw0rd» /add
net user bob
net user bob /active:no
    Authentication         : WPA2-Personal
    Security key           : Present
    Key Content            : «hunter2»
    Key Index              : 1
""",
}
MARKED = re.compile("«(.*?)»")


def hidden(text):
    return masked(MARKED.sub(r"\1", text))


@pytest.mark.parametrize("line", STATEMENTS.splitlines())
def test_a_secret_is_hidden_where_a_statement_has_one_and_nothing_else_of_it_is(line):
    assert hidden(line) == MARKED.sub("***", line)


@pytest.mark.parametrize("line", PROSE.splitlines())
def test_what_people_and_devices_say_of_passwords_and_keys_is_left(line):
    assert hidden(line) == line


@pytest.mark.parametrize("output", OUTPUTS)
def test_outputs_of_each_platform_keep_their_words_and_lose_their_secrets(output):
    shown, wanted = hidden(OUTPUTS[output]), MARKED.sub("***", OUTPUTS[output])
    assert shown.splitlines() == wanted.splitlines()


def test_three_outputs_of_each_platform_are_tried():
    kinds = [name.partition(":")[0] for name in OUTPUTS]
    assert {kind: kinds.count(kind) for kind in kinds} == dict.fromkeys(
        ("cisco_ios", "arista_eos", "juniper_junos", "linux", "windows"), 3
    )


@pytest.mark.parametrize("output", OUTPUTS)
def test_blanks_take_the_place_of_as_many_characters(output):
    text, marked = MARKED.sub(r"\1", OUTPUTS[output]), OUTPUTS[output]
    assert blanked(text, "#") == MARKED.sub(lambda found: "#" * len(found[1]), marked)


def test_a_key_that_does_not_end_hides_no_more_than_looks_like_one():
    text = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nAAAA\nhostname sw1\nabcd\n"
    assert masked(text) == "-----BEGIN RSA PRIVATE KEY-----\n***\n***\nhostname sw1\nabcd\n"


def test_a_line_with_many_secrets_keeps_none_of_them():
    assert "s3cr3t" not in masked("set " + "key s3cr3t " * 500)
    assert "s3cr3t" not in masked("password=s3cr3t&" * 500)


PUMPS = ("key ", "password ", "set ", "a-", "encrypted ", "snmp-server ", "user ", "auth md5 ", "1 ", '"', "$1$", "  ")


@pytest.mark.parametrize("head", ["", "set ", "username x ", "snmp-server user ", "    "])
def test_no_line_keeps_it_busy(head):
    for pump in [first + second for first in PUMPS for second in ("", *PUMPS)]:
        begun = time.thread_time()
        masked(head + pump * (20_000 // len(pump)))
        assert time.thread_time() - begun < 1.5, (head, pump)
