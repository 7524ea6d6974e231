package convert

import (
	"strings"
	"testing"
)

func TestTextOf(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spans []span
		want  string
		plain bool
	}{
		{"nothing", nil, "", true},
		{"plain stays as it is", []span{{text: "# 5*3 [a](b) <b>\n> x"}}, "# 5*3 [a](b) <b>\n> x", true},
		{"blank bold is plain", []span{{text: "a"}, {text: " ", look: bold}}, "a ", true},
		{"words", []span{{text: "a "}, {text: "b", look: bold}, {text: " "}, {text: "c", look: italic}, {text: ", "}, {text: "d", look: strike}},
			"a **b** *c*, ~~d~~", false},
		{"blanks stand outside", []span{{text: "a"}, {text: " b ", look: bold}, {text: "c"}}, "a **b** c", false},
		{"within a word", []span{{text: "un"}, {text: "believ", look: italic}, {text: "able"}}, "un<i>believ</i>able", false},
		{"one beside another", []span{{text: "a", look: bold}, {text: "b", look: bold | italic}}, "<b>a</b>***b***", false},
		{"all at once", []span{{text: "x", look: bold | italic | strike | underline | spoiler}}, "<u>~~***||x||***~~</u>", false},
		{"code", []span{{text: "a`b*", look: code}, {text: " "}, {text: "`", look: code}}, "``a`b*`` `` ` ``", false},
		{"a block of code", []span{{text: "so:\n"}, {text: "x := `a`\n```\n\ty", look: pre, lang: "go"}, {text: "\nthen"}},
			"so:\n````go\nx := `a`\n```\n\ty\n````\n\nthen", false},
		{"a quotation", []span{{text: "he said\n"}, {text: "yes\nno", look: quote}, {text: "\nand left"}}, "he said\n> yes  \n> no\n\nand left", false},
		{"lines", []span{{text: "a", look: bold}, {text: "\nb\n\nc"}}, "**a**  \nb\n\nc", false},
		{"bold lines", []span{{text: "a\nb", look: bold}}, "**a**  \n**b**", false},
		{"a link", []span{{text: "see "}, {text: "it [1]", href: "https://x.example/a b(c)"}}, `see [it \[1\]](https://x.example/a%20b%28c%29)`, false},
		{"no image", []span{{text: "Wow!"}, {text: "it", href: "https://x.example"}}, `Wow\![it](https://x.example)`, false},
		{"marks that are none", []span{{text: "b", look: bold}, {text: ` *a* snake_case _x_ a\b \* <i> a<1 &amp; a&b 1 < 2 [x] ~ |`}},
			`**b** \*a\* snake_case \_x\_ a\b \\\* \<i> a\<1 \&amp; a\&b 1 < 2 \[x\] \~ \|`, false},
		{"beginnings of lines", []span{{text: "# a\n- b\n+ c\n1. d\n2) e\n> f\n---\n===\n-5\n3.14\n    g\n"}, {text: "b", look: bold}},
			"\\# a  \n\\- b  \n\\+ c  \n1\\. d  \n2\\) e  \n\\> f  \n\\---  \n\\===  \n-5  \n3.14  \n&#32;g  \n**b**", false},
		{"addresses", []span{{text: "b", look: bold}, {text: " https://x.example/a_b_ https://x.example/a_b?c&d=1 https://x.example/&copy; xhttps://_"}},
			"**b** <https://x.example/a_b_> https://x.example/a_b?c&d=1 <https://x.example/&copy;> xhttps://\\_", false},
		{"numbers with a cross", []span{{text: "#tag\n#\n## x\n=5\n"}, {text: "b", look: bold}}, "#tag  \n\\#  \n\\## x  \n=5  \n**b**", false},
	} {
		got, mediaType := textOf(tt.spans)
		if got != tt.want || (mediaType == "") != tt.plain {
			t.Errorf("%s:\n%q, want\n%q (%s)", tt.name, got, tt.want, mediaType)
		}
	}
}

// TestTextOfIsLinear: a text of nothing but marks takes no longer than it is long.
func TestTextOfIsLinear(t *testing.T) {
	for _, s := range []string{"`", "*", "[", "!", "<", "_", "\n", "\n ", "> ", "http://"} {
		text, _ := textOf([]span{{text: strings.Repeat(s, 1<<16)}, {text: "b", look: bold}, {text: strings.Repeat(s, 1<<16)}})
		if len(text) > 16*len(s)<<16 {
			t.Errorf("%q becomes %d bytes", s, len(text))
		}
	}
}
