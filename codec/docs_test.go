package codec

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// form is the CBOR form of a field, in the words of the table in the documentation.
func form(p any) string {
	switch p.(type) {
	case *string:
		return "text"
	case *Date:
		return "date"
	case *Binary:
		return "binary"
	case *Dialog, *Attachment, *Part:
		return "body"
	case *bool:
		return "true"
	case *required:
		return "boolean"
	case **uint64, *relativeTime:
		return "uint"
	case **uint32:
		return "index"
	case *[]uint32:
		return "array of index"
	case *[]string:
		return "array of text"
	case **Room:
		return "room"
	case *[]RoomDescription:
		return "array of description"
	case *[]Party:
		return "array of party"
	case *[]Dialog:
		return "array of dialog"
	case *[]Attachment:
		return "array of attachment"
	case **Expires:
		return "expires"
	case **ExternalPart:
		return "external_part"
	case **MultiPart:
		return "multi_part"
	case *[]Part:
		return "array of part"
	case *[]PartyEvent:
		return "array of event"
	}
	return fmt.Sprintf("%T", p)
}

func docRows[T any](object string, t *table[T]) []string {
	var rows []string
	for _, f := range t.rows {
		rows = append(rows, fmt.Sprintf("| %s | `%s` | %s |", object, f.name, form(f.at(new(T)))))
	}
	return rows
}

// TestFieldTableInDocs: the documentation has the rows of the tables, and no others.
func TestFieldTableInDocs(t *testing.T) {
	var want []string
	want = append(want, docRows("vcon", vconTable)...)
	want = append(want, docRows("room", roomTable)...)
	want = append(want, docRows("description", descriptionTable)...)
	want = append(want, docRows("party", partyTable)...)
	want = append(want, docRows("dialog", dialogTable)...)
	want = append(want, docRows("expires", expiresTable)...)
	want = append(want, docRows("external_part", externalTable)...)
	want = append(want, docRows("multi_part", multiPartTable)...)
	want = append(want, docRows("part", partTable)...)
	want = append(want, docRows("event", eventTable)...)
	want = append(want, docRows("attachment", attachmentTable)...)
	for _, name := range []string{"../docs/wire-format.md"} {
		text, err := os.ReadFile(name)
		if err != nil || !strings.Contains(string(text), want[0]) {
			continue
		}
		var got []string
		inTable := false
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			if inTable = inTable && strings.HasPrefix(line, "|") || line == "| object | name | form |"; inTable {
				got = append(got, line)
			}
		}
		if g, w := strings.Join(got[2:], "\n"), strings.Join(want, "\n"); g != w {
			t.Errorf("%s has other rows:\n%s\nwant\n%s", name, g, w)
		}
		return
	}
	t.Errorf("no documentation has the table:\n%s", strings.Join(want, "\n"))
}

// TestNamesInCDDL: every name that we write is in the CDDL.
func TestNamesInCDDL(t *testing.T) {
	text := string(readFile(t, "../docs/vcon-mimi.cddl"))
	for _, names := range [][]string{
		vconTable.names(), roomTable.names(), descriptionTable.names(), partyTable.names(), dialogTable.names(),
		expiresTable.names(), externalTable.names(), multiPartTable.names(), partTable.names(), eventTable.names(), attachmentTable.names(),
	} {
		for _, n := range names {
			if !strings.Contains(text, " "+n+": ") {
				t.Errorf("%s is not in the CDDL", n)
			}
		}
	}
}
