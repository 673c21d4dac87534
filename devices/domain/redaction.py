"""Hide the secrets in what devices show, where a line says that it holds one: in configurations, in lines that are
sent, in output; and leave what people write and devices tell about passwords and keys.

A secret is known by where it stands in a statement: behind the words of a command whose syntax has one there, with a
type or a mark before it, or by its own shape. A sentence has none of these, even where it says "password" or "key".
Sources: the command references of the platforms; what the backup models of Oxidized (ytti/oxidized) hide. Pure.
"""

from __future__ import annotations

import re

HIDDEN = "***"
#: What stands for each character of a hidden secret until it is known what is shown for it; no device sends it as text.
FILL = "\ue0ff"
FILLED = re.compile(f"{FILL}+")
#: What is before a statement: indentation, the sign of a comparison, the word that takes it back.
LEAD = r"^[ \t]*(?:[+-][ \t]*)?(?:(?:no|undo|do|default|encrypted)[ ]+)?"
#: How a secret is given, where a word says so.
FORM = (
    r"(?:[ ]+(?:level[ ]+[0-9]{1,2}|encrypted|clear|text|sha(?:1|256|512)|hmac-md5|irreversible-cipher|cipher"
    r"|ciphertext|plaintext|simple|hash|hashed|ENC|ascii-text|hexadecimal|ascii|hex|role[ ]+\S+)(?=[ ]))"
)
#: Or a number; behind it stands the secret, and no unit.
TYPE = r"(?:[ ]+[0-9]{1,2}(?=[ ])(?![ ]+(?:days?|hours?|minutes?|seconds?|characters?|times?|bits?|attempts?|more)\b))"
#: The secret itself.
VALUE = r"[ ]+(?P<secret>\"[^\"]*\"|'[^']*'|[^\s;]+(?:;[^\s;]+)*)"
#: Words that stand behind "password" or "key" in sentences and in settings, and are none.
PLAIN = r"""
    chain|key-chain|encryption|encrypt|decrypt|strength|recovery|config-key|generate|zeroize|import|export|storage|lock
    |unlock|pubkey-chain|mypubkey|rsa|dsa|ec|ecdsa|ed25519|ssh|ssh-\S+|ecdsa-\S+|local|none|level|level-[12]|role|type
    |min\S*|max\S*|length|format|policy|policies|history|aging|ageing|complexity|expir\S+|change\S*|check\S*|prompt|hash
    |restriction\S*|attempts?|retry|retries|timeout|lifetime|option|required|optional|mandatory|authentication|auth
    |authorization|accounting|login|enabled?|disabled?|true|false|yes|no|on|off|never|always|set|unset|not|empty|blank
    |valid|invalid|incorrect|wrong|bad|mismatch|failed|failure|denied|accepted|rejected|ok|missing|given|configured|used
    |stored|hidden|protected|protection|removed?|deleted?|added?|updated?|created?|reset|size|bits?|name|names|id|ids
    |number|index|data|files?|exchange|exchanges|fingerprint|management|manager|mode|version|server|servers
    |agreement|algorithm|algorithms|derivation|ring|pair|pairs|value|values|usage|field|fields|string|text|line|lines
    |key|keys|key-string|set-key|pre-shared-key|authentication-key|message-digest-key|md5|sha\S*|cipher
    |ciphers|for|of|is|are|was|were|be|been|being|to|too|from|in|into|with|without|and|or|the|a|an|this|that|these
    |your|their|its|his|her|has|have|had|will|would|shall|should|must|may|might|can|cannot|can't
    |could|does|doesn't|do|did|didn't|don't|as|at|by|if|when|while|before|after|again|here|there|than|then|only|per|via
    |days?|hours?|minutes?|seconds?|characters?|last|first|next|new|old|both|same|needs?|uses?|using|already|yet
""".replace("\n", "").replace(" ", "")
#: A word, or the number of a key, behind which the statement goes on.
NOT_PLAIN = rf"(?![ ]+(?:(?:{PLAIN})(?:[\s:;,.)?!]|$)|[0-9]{{1,3}}[ ]+\S|[=:|<({{\[-]+(?:\s|$)|[*{FILL}]+(?:\s|$)))"
#: A secret with a type is one whatever it is; another one unless it is an ordinary word. A number may also be that of a
#: key, and more of the statement follow.
SECRET = (
    rf"(?![ ]+\d+[ ]+(?:md5|sha\S*|[ch]mac\S*|type|value|key|key-string)\b)"
    rf"{FORM}*(?:{TYPE}+{FORM}*|{NOT_PLAIN})(?!{FORM}){VALUE}"
)
#: Names of what is secret, in statements.
NAME = (
    r"(?:(?:[\w-]{0,40}-)?password(?:-hash|-l[12]|[0-9])?|passwd[0-9]?|(?:[\w-]{0,40}-)?(?:psk|ppk)?secret"
    r"|(?:[\w-]{0,40}-)?pass-?phrase(?:-hashed)?|key-string|(?:(?:(?:auth|authentication|privacy|priv"
    r"|shared|pre-shared|server"
    r"|client|wep|session|encryption|secondary|tertiary|inter-controller|api|master|psk|wpa2?-pre-shared)-)?key)"
    r"|psk|phash|md5|community-name|snmp-community-string)"
)
#: How statements begin in which such a name stands further behind.
HEAD = (
    r"(?:set|add|configure|neighbor|tacacs\S*|radius\S*|hwtacacs\S*|server|server-private|client|crypto"
    r"|ip|ipv6|ntp|sntp"
    r"|area|isis|mpls|ppp|aaa\S*|ldap\S*|security|wlan|authentication\S*|auth|ospf|host|isakmp|ikev[12]"
    r"|address|pac|peer"
    r"|eap|bgp|group|local-user|super|mka|macsec|vrrp|standby|glbp|snmp\S*|message-digest-key|virtual-link|l2tp|radsec"
    r"|pre-shared-key|key|port-security|wireless|dot1x|vpn|pptp|rsvp|msdp|rip|eigrp)"
)
SNMP_USER = r"(?:\S+[ ]+){0,3}?snmp\S*[ ]+(?:\S+[ ]+){0,6}?user[ ]+(?:\S+[ ]+){1,12}?"
IGNORE = re.IGNORECASE
#: So many secrets of a kind are hidden one by one in a line; of one with more, all behind them is.
MOST_IN_LINE = 20
#: In this order; each is looked for again and again in what the one before left.
STATEMENTS = (
    # Accounts and privileged mode.
    re.compile(rf"{LEAD}(?:username|user|local-user)[ ]+\S+[ ]+(?:\S+[ ]+){{0,8}}?(?:password|secret|passwd){SECRET}"),
    re.compile(
        rf"{LEAD}(?:enable|super)[ ]+(?:algorithm-type[ ]+\S+[ ]+)?(?:password|secret)(?:[ ]+level[ ]+\d+)?{SECRET}"
    ),
    re.compile(rf"{LEAD}password[ ]+(?:manager|operator)[ ]+(?:user-name[ ]+\S+[ ]+)?(?:sha1|sha256|plaintext){VALUE}"),
    re.compile(rf"{LEAD}(?:create|configure)[ ]+account[ ]+.*?\bencrypted{VALUE}"),
    re.compile(rf"{LEAD}mgmt-user[ ]+\S+[ ]+\S+{VALUE}[ ]*$"),
    re.compile(rf"{LEAD}key[ ]+config-key[ ]+\S+{VALUE}"),
    re.compile(rf"^[ \t]*net[ ]+user[ ]+[^\s/]\S*(?![ ]+/){VALUE}", IGNORE),
    re.compile(rf"^[ \t]*net[ ]+use[ ]+\S+[ ]+\\\\\S+(?![ ]+/){VALUE}", IGNORE),
    # SNMP.
    re.compile(rf"{LEAD}snmp-server[ ]+community(?:[ ]+[078](?=[ ]))?{VALUE}", IGNORE),
    re.compile(
        rf"{LEAD}snmp-server[ ]+host[ ]+(?:\S+[ ]+)?[0-9a-f.:]+(?:[ ]+(?:use-)?vrf[ ]+\S+)?(?:[ ]+(?:traps?|informs?))?"
        rf"(?:[ ]+version[ ]+(?:1|2c))?(?:[ ]+community(?:[ ]+[08](?=[ ]))?)?"
        rf"(?![ ]+(?:version|traps?|informs?|(?:use-)?vrf|community|poll|udp-port|source-interface|filter-vrf)\b)"
        rf"{VALUE}",
        IGNORE,
    ),
    re.compile(rf"{LEAD}(?:snmp-server[ ]+mib[ ]+|snmp-server[ ]+)?community-map{VALUE}"),
    re.compile(rf"{LEAD}snmp-agent[ ]+community[ ]+(?:read|write)(?:[ ]+(?:cipher|simple))?{VALUE}"),
    re.compile(rf"{LEAD}(?:set|add|delete)[ ]+(?:service[ ]+)?snmp[ ]+(?:\S+[ ]+){{0,4}}?community{VALUE}"),
    re.compile(rf"{LEAD}configure[ ]+snmp(?:v3)?[ ]+add[ ]+community{VALUE}"),
    re.compile(rf"{LEAD}r[ow]community6?{VALUE}"),
    re.compile(rf"{LEAD}com2sec6?[ ]+\S+[ ]+\S+{VALUE}"),
    re.compile(r"^[ \t]*Community (?:name|Index|SecurityName):[ ]*(?P<secret>\S+)"),
    re.compile(
        rf"^[ \t]*community{VALUE}(?:[ ]+hash2?)?[ ]+(?:\{{|RO\b|RW\b|ro\b|rw\b|access-permissions|view\b|group\b)"
    ),
    re.compile(rf"{LEAD}{SNMP_USER}auth[ ]+(?:md5|sha\S*)(?:{FORM}|{TYPE})?{VALUE}", IGNORE),
    re.compile(
        rf"{LEAD}{SNMP_USER}priv(?:[ ]+(?:aes|des|3des)\S*(?:[ ]+\d{{3}})?)?(?![ ]+(?:aes|3?des)){NOT_PLAIN}{VALUE}",
        IGNORE,
    ),
    # Keys of protocols.
    re.compile(rf"\bcrypto[ ]+isakmp[ ]+key(?:[ ]+[06](?=[ ]))?{VALUE}[ ]+(?:address|hostname)\b"),
    re.compile(
        rf"\bpre-shared-key(?:[ ]+(?:address|ipv[46]|hostname|identity)[ ]+\S+(?:[ ]+\d+\.\S+)?)?"
        rf"(?:[ ]+(?:key|local|remote)(?=[ ]))?{SECRET}"
    ),
    re.compile(
        rf"\bauthentication-key[ ]+\d+[ ]+(?:type[ ]+\S+[ ]+)?(?:md5|sha\S*|cmac\S*|hmac\S*|value)"
        rf"(?:[ ]+(?:[07]|encrypted|cipher)(?=[ ]))?{VALUE}"
    ),
    re.compile(rf"\bmessage-digest-key[ ]+\d+[ ]+(?:md5|sha\S*|hmac\S*)(?:[ ]+[0-9](?=[ ]))?{VALUE}"),
    re.compile(rf"{LEAD}(?:standby|vrrp|glbp)(?:[ ]+\d+)?[ ]+authentication(?:[ ]+text)?(?![ ]+(?:md5|text)\b){VALUE}"),
    re.compile(rf"\bwpa-psk[ ]+(?:ascii|hex)(?:[ ]+[0-9](?=[ ]))?{VALUE}"),
    re.compile(rf"\bset-key[ ]+(?:ascii|hex)(?:[ ]+[0-9](?=[ ]))?{VALUE}"),
    re.compile(rf"{LEAD}wpa(?:-|[ ])passphrase{VALUE}"),
    re.compile(rf"{LEAD}key[ ]+(?:authentication|accounting|authorization)[ ]+(?:cipher|simple){VALUE}"),
    re.compile(rf"\bset[ ]+\S+[ ]+ENC{VALUE}"),
    # A statement with a name of a secret in it, and one that is all of it.
    re.compile(rf"{LEAD}{HEAD}[ ](?:.*?[ ])??{NAME}{SECRET}"),
    re.compile(
        rf"{LEAD}{NAME}{SECRET}"
        r"(?=(?:[ ]+(?:encrypted|level-[12]|hash2?|custom|receive-lifetime\b.*))?[ ]*;?[ ]*(?:##.*)?$)"
    ),
    re.compile(rf"{LEAD}(?:requirepass|masterauth){VALUE}"),
    # With a type, wherever it stands: Cisco's reversible code has a shape of its own.
    re.compile(
        r"\b(?:password|secret|key|key-string|md5)[ ]+7[ ]+(?P<secret>[0-9]{2}(?:[0-9A-Fa-f]{2}){2,})(?![\w])", IGNORE
    ),
    # Junos says so itself.
    re.compile(r"(?<![^\s;\"])(?P<secret>\"[^\"]*\"|[^\s;\"]+);?[ ]*##[ ]*SECRET-DATA"),
)
#: In programs, files of settings and their like.
ASSIGNED = r"(?:password|passwd|passphrase|secret|psk|pre-shared-key|api[_-]?key|access[_-]?key|token)"
VALUES = (
    re.compile(
        rf"(?<![\w./-])[\w.-]*{ASSIGNED}[\"']?[ ]?=[ ]?(?!(?:{PLAIN})(?:[\s:;,.)?!]|$))"
        r"(?P<secret>\"[^\"]+\"|'[^']+'|[^\s\"',;&]+)",
        IGNORE,
    ),
    re.compile(
        rf"^[ \t]*(?:-[ ])?[\"']?(?:\w+[_-])?{ASSIGNED}[\"']?[ ]?:[ ]*(?!(?:{PLAIN})(?:[\s:;,.)?!]|$))"
        r"(?P<secret>\"[^\"]+\"|'[^']+'|[^\s\"',]+),?[ ]*$"
    ),
    re.compile(r"^[ \t]*Key Content[ ]*:[ ]*(?P<secret>\S.*)$"),
    re.compile(r"(?<!\S)--pass(?:word|wd|phrase)?(?:=|[ ]+)(?P<secret>\"[^\"]*\"|'[^']*'|\S+)"),
    re.compile(r"<(?:phash|password|passwd|secret|key|passphrase)>(?P<secret>[^<\s]+)</"),
    re.compile(r"\b[a-z][a-z0-9+]{1,15}://[^\s:/@]{1,64}:(?P<secret>[^\s/@]+)@"),
    re.compile(r"\becho[ ]+[\"']?[\w.-]+:(?P<secret>[^\s\"'|]+)[\"']?[ ]*\|[ ]*(?:sudo[ ]+)?chpasswd\b"),
    # Their own shapes: crypt(3), Cisco's and Junos' codes, Huawei's.
    re.compile(r"(?P<secret>\$(?:1|2[abxy]?|5|6|7|y|apr1|sha512)\$[./A-Za-z0-9=$+,-]{1,60}\$[./A-Za-z0-9+=]{20,128})"),
    re.compile(r"(?P<secret>\$(?:[89]|14)\$[./A-Za-z0-9+=$-]{4,300})"),
    re.compile(r"(?P<secret>\$[ch1]a?\$[36]?\$?[./A-Za-z0-9+=`~!@#%^&*(){}|<>?,:;_-]{16,300}\$?)(?=\s|$)"),
    re.compile(r"(?P<secret>%\^%#\S{1,300}%\^%#)"),
)
#: A text without any of these holds no secret.
HINT = re.compile(
    r"pass|snmp|secret|key|psk|communit|com2sec|phash|md5|auth|priv|account|mgmt-user|net[ ]+use"
    r"|[$%][0-9a-z^]|://|ENC|requirepass"
    r"|masterauth|PRIVATE|token|chpasswd",
    IGNORE,
)
FRAME = re.compile(r"-----(?P<end>BEGIN|END) [A-Z0-9 ]*PRIVATE KEY-----")
#: Under such a line, `key 1` is a key's number.
KEY_CHAIN = re.compile(r"^[ \t]*key[ ]+chain\b")
KEY_NUMBER = re.compile(r"^[ \t]*key[ ]+[0-9]{1,10}[ ]*$")


#: What stands in a key's block: its body, and the heads of old formats.
BODY = re.compile(r"(?:[A-Za-z0-9+/=]+|(?:Proc-Type|DEK-Info|Comment|Version): .*)?\"?")


def masked(text: str) -> str:
    """Return a text with the secrets of its lines hidden; the lines stay."""
    return FILLED.sub(HIDDEN, _filled(text))


def blanked(text: str, sign: str) -> str:
    """Return the same, of the same length: each character of a secret is this sign."""
    return _filled(text).replace(FILL, sign)


def _filled(text: str) -> str:
    if not HINT.search(text):
        return text
    found: list[str] = []
    in_key = in_chain = False
    for line in text.split("\n"):
        frame = FRAME.search(line)
        in_key = frame["end"] == "BEGIN" if frame else in_key and bool(BODY.fullmatch(line.strip()))
        in_chain = bool(KEY_CHAIN.match(line)) or (in_chain and line[:1] in (" ", "\t"))
        if in_key and not frame:
            found.append(line.replace(line.strip(), FILL * len(line.strip())) if line.strip() else line)
        elif not HINT.search(line) or _is_number(line, in_chain):
            found.append(line)
        else:
            found.append(_filled_line(line))
    return "\n".join(found)


def _is_number(line: str, in_chain: bool) -> bool:
    """Say whether a line names a key of a chain by its number; on its own, one of few digits is taken for that."""
    return bool(KEY_NUMBER.match(line)) and (in_chain or len(line.split()[1]) <= 3)


def _filled_line(line: str) -> str:
    for pattern in (*STATEMENTS, *VALUES):
        at = hidden = 0
        while match := pattern.search(line, at):
            begin, end = match.span("secret")
            if not line[begin:end].strip(f"\"'*{FILL}"):
                at = max(end, at + 1)
                continue
            hidden += 1
            end = end if hidden < MOST_IN_LINE else len(line)
            line = line[:begin] + FILL * (end - begin) + line[end:]
            at = 0 if pattern.pattern.startswith("^") else end
    return line
