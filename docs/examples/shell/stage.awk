# Reads a batch as json.awk prints it, writes its items as files DIR/KEY, and prints the command
# that acknowledges it. Variables: dir; known: the file that lists the keys that are final;
# reject: messages that have this in their text, as it is in JSON; written: the file that lists what was written.
function text(raw) { return substr(raw, 2, length(raw) - 2) }
function add(list, one) { return list (list == "" ? "" : ",") one }
BEGIN {
    while ((getline key < known) > 0) final[key] = 1
    printf "" > written
    FS = "\t"
}
{ raw = substr($0, length($1) + 2); value[$1] = raw }
$1 ~ /^\.items\.[0-9]+$/ { # comes behind everything that is inside of it
    key = text(value[$1 ".key"])
    # It becomes the name of a file: hold it against what the page promises.
    if (key !~ /^[0-9a-f]+$/ || length(key) != 64) { print "a key is no hash" > "/dev/stderr"; exit 1 }
    number = value[$1 ".item"]
    if (value[".kind"] == "\"messages\"" && reject != "" && index(value[$1 ".dialog.body"], reject))
        rejected = add(rejected, "{\"item\":" number ",\"code\":\"filtered\"}")
    else if (key in final)
        there = add(there, number)
    else {
        # Indexes of parties refer to those of this batch: keep them together. They came before the items.
        print "{\"parties\":" value[".parties"] ",\"kind\":" value[".kind"] ",\"item\":" raw "}" > (dir "/" key)
        close(dir "/" key)
        print key > written
    }
}
END {
    printf "{\"cmd\":\"ack\",\"batch\":%s,\"rejected\":[%s],\"there\":[%s]}\n", value[".batch"], rejected, there
}
