# Prints the values of a JSON text, one text a line: PATH, a tab, the value as it was written.
#
#     {"event":"batch","items":[{"item":0}]}  ->  .event	"batch"
#                                                 .items.0.item	0
#                                                 .items.0	{"item":0}
#                                                 .items	[{"item":0}]
#
# Strings stay as they are, with quotes and escapes: they hold no tab and no line break then, and
# can be put into another JSON text. Works with every awk; run it with LC_ALL=C.
function value(path, raw, key, n) {
    raw = token[at++]
    if (raw == "{") {
        while (at <= count && token[at] != "}") {
            if (token[at] == ",") raw = raw token[at++]
            key = token[at]
            at += 2 # the key and the colon
            raw = raw key ":" value(path "." substr(key, 2, length(key) - 2))
        }
        raw = raw token[at++]
    } else if (raw == "[") {
        for (n = 0; at <= count && token[at] != "]"; n++) {
            if (token[at] == ",") raw = raw token[at++]
            raw = raw value(path "." n)
        }
        raw = raw token[at++]
    }
    if (path != "") print path "\t" raw
    return raw
}
{
    # A string has no line break inside: so they can separate tokens.
    gsub(/"([^"\\]|\\.)*"|[][{}:,]/, "\n&\n")
    count = split($0, parts, /[ \t]*\n+[ \t]*/)
    for (n = at = 1; n <= count; n++) if (parts[n] != "") token[at++] = parts[n]
    count = at - 1
    at = 1
    value("")
}
