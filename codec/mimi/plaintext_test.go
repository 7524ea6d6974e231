package mimi_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

func textDialog(mediaType, s string) *codec.Dialog {
	return &codec.Dialog{Type: "text", MediaType: mediaType, Encoding: "none", Body: codec.Body{Kind: codec.BodyText, Data: []byte(s)}}
}

func TestPlainTextOfTheDraft(t *testing.T) {
	for name, want := range map[string]string{
		"original":     "Hi everyone, we just shipped release 2.0. __Good  work__!",
		"reaction":     "❤",
		"mention":      "Kudos to @Alice Smith for making the release happen!",
		"mention-html": "Kudos to @Alice Smith for making the release happen!",
		"delete":       "",
		"attachment":   "[video/mp4 bigfile.mp4] 2 hours of key signing video",
		"conferencing": "Join the Foo 118 conference https://example.com/join/12345",
		"multipart-1":  "# Welcome!",
		"multipart-2":  "❤\n🥳\n🤞",
		"multipart-3":  "Welcome!\nWelcome image\n[image/gif]",
	} {
		if got := mimi.PlainText(draftDialog(t, name)); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	d := draftDialog(t, "mention")
	if got := mimi.Mentions(d); fmt.Sprint(got) != "[{mimi://example.com/u/alice-smith @Alice Smith}]" {
		t.Errorf("mentions %v", got)
	}
	name := func(uri string) string {
		if uri == "mimi://example.com/u/alice-smith" {
			return "Alice"
		}
		return ""
	}
	if got := mimi.PlainTextWith(d, name); got != "Kudos to @Alice for making the release happen!" {
		t.Errorf("%q", got)
	}
	if got := mimi.PlainTextWith(draftDialog(t, "mention-html"), name); got != "Kudos to @Alice for making the release happen!" {
		t.Errorf("%q", got)
	}
}

func TestPlainText(t *testing.T) {
	const md, html, plain = "text/markdown;variant=GFM-MIMI", "text/html;charset=utf-8", "text/plain"
	for in, want := range map[[2]string]string{
		{plain, "[a](mimi://x/u/a) <b>\n`c`"}:                     "[a](mimi://x/u/a) <b>\n`c`",
		{"", "no type"}:                                           "no type",
		{"application/json", "{}"}:                                "[application/json]",
		{md, "<mimi://x/u/a>, hi"}:                                "mimi://x/u/a, hi",
		{md, "[](mimi://x/u/a)"}:                                  "mimi://x/u/a",
		{md, "[a](im:a@x.example)"}:                               "a",
		{md, "[a](mimi:)"}:                                        "[a](mimi:)",
		{md, "[a](https://x.example)"}:                            "[a](https://x.example)",
		{md, `\[a](mimi://x/u/a)`}:                                `\[a](mimi://x/u/a)`,
		{md, "`[a](mimi://x/u/a)` [b](mimi://x/u/b)"}:             "`[a](mimi://x/u/a)` b",
		{md, "``x ` [a](mimi://x/u/a)`` c"}:                       "``x ` [a](mimi://x/u/a)`` c",
		{md, "```\n[a](mimi://x/u/a)\n```"}:                       "```\n[a](mimi://x/u/a)\n```",
		{md, "` [a](mimi://x/u/a)"}:                               "` a",
		{md, `[\[team\] a](<mimi://x/u/a> "title")`}:              "[team] a",
		{md, "[a [b] c](mimi://x/u/a)"}:                           "a [b] c",
		{md, "[a] (mimi://x/u/a)"}:                                "[a] (mimi://x/u/a)",
		{md, "[a](mimi://x/u/a"}:                                  "[a](mimi://x/u/a",
		{md, "[a](mimi://x/\nu/a)"}:                               "[a](mimi://x/\nu/a)",
		{md, "[a"}:                                                "[a",
		{md, "1 < 2 > 0, <b>"}:                                    "1 < 2 > 0, <b>",
		{md, `end\`}:                                              `end\`,
		{html, "a &lt;b&gt; &amp;amp; &eacute;"}:                  "a <b> &amp; é",
		{html, "<p>a</p>\n<p>b<br>c</p>"}:                         "a\nb\nc",
		{html, "a<b>b</b> <i> c</i>"}:                             "ab c",
		{html, `<a href="https://x.example/">here</a>`}:           "here (https://x.example/)",
		{html, `<a href=https://x.example>https://x.example</a>`}: "https://x.example",
		{html, `<A class=x HREF='mimi://x/u/a' >@A  B</A>!`}:      "@A B!",
		{html, `<a data-x href="mimi://x/u/a">a`}:                 "a",
		{html, `<a>a</a> <a name = b>c</a>`}:                      "a c",
		{html, "<script>alert('x')</script>a<style>b</style >"}:   "a",
		{html, "<script>alert"}:                                   "",
		{html, "a<!-- <b> -->b<!doctype html>c"}:                  "abc",
		{html, "1 < 2 <3"}:                                        "1 < 2 <3",
		{html, `<img alt="a > b" src=x>`}:                         "a > b",
		{html, "a <b"}:                                            "a",
		{html, "<li>a<li>b<hr/>"}:                                 "a\nb",
		{"TEXT/HTML", "<b>a</b>"}:                                 "a",
		{html, ""}:                                                "",
	} {
		if got := mimi.PlainText(textDialog(in[0], in[1])); got != want {
			t.Errorf("%s %q: %q, want %q", in[0], in[1], got, want)
		}
	}
	latin := &codec.Dialog{MediaType: "text/plain", Encoding: "base64url", Body: codec.Body{Kind: codec.BodyBytes, Data: []byte("caf\xe9")}}
	if got := mimi.PlainText(latin); got != "caf\uFFFD" {
		t.Errorf("%q", got)
	}
	unknown := textDialog("text/plain", "x")
	unknown.Encoding = "rot13"
	if got := mimi.PlainText(unknown); got != "[text/plain]" {
		t.Errorf("%q", got)
	}
	link := &codec.Dialog{ExternalPart: &codec.ExternalPart{MediaType: "image/png;x=y", URL: "https://x.example/a"}}
	if got := mimi.PlainText(link); got != "[image/png] https://x.example/a" {
		t.Errorf("%q", got)
	}
}

func TestPlainTextOfParts(t *testing.T) {
	single := func(kind, s string) codec.Part {
		return codec.Part{MediaType: kind, Encoding: "none", Body: codec.Body{Kind: codec.BodyText, Data: []byte(s)}}
	}
	file := codec.Part{ExternalPart: &codec.ExternalPart{Filename: "a.pdf"}}
	of := func(semantics string, parts ...codec.Part) codec.Part {
		return codec.Part{MultiPart: &codec.MultiPart{PartSemantics: semantics, Parts: parts}}
	}
	for want, p := range map[string]codec.Part{
		"plain":         of("chooseOne", single("text/html", "html"), file, single("text/plain", "plain"), single("text/markdown", "md")),
		"html":          of("chooseOne", codec.Part{}, file, single("text/html", "html")),
		"[a.pdf]":       of("chooseOne", codec.Part{}, file, single("x/y", "z")),
		"a\n[a.pdf]\nb": of("processAll", single("text/plain", "a"), file, single("text/html", "<p>b</p>")),
		"in\n[x/y]":     of("chooseOne", single("x/y", ""), of("singleUnit", single("text/plain", "in"), single("x/y", ""))),
		"":              of("chooseOne"),
		"line\nnext":    of("processAll", single("text/plain", "line\n"), single("text/plain", "next")),
	} {
		d := &codec.Dialog{Type: "text", MultiPart: p.MultiPart}
		if got := mimi.PlainText(d); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	d := &codec.Dialog{MultiPart: of("chooseOne", single("text/plain", "a"), single("text/markdown", "[b](im:b)")).MultiPart}
	if got := mimi.Mentions(d); len(got) != 1 || got[0].Text != "b" {
		t.Errorf("mentions %v", got)
	}
}

// TestPlainTextIsLinear feeds what makes careless readers take quadratic time.
func TestPlainTextIsLinear(t *testing.T) {
	const n = 1 << 19
	for _, s := range []string{"[", "](", "`", "<", "\\", "<a href=", "&", "<!--", "[a](im:", "` ``"} {
		long := strings.Repeat(s, n/len(s))
		mimi.PlainText(textDialog("text/markdown", long))
		mimi.PlainText(textDialog("text/html", long))
	}
}

func TestMarkdownBounds(t *testing.T) {
	deep := func(n int) string {
		return strings.Repeat("[", n) + "a" + strings.Repeat("]", n) + "(im:a)"
	}
	long := func(n int) string { return "[" + strings.Repeat("a", n-8) + "](im:a)" }
	code := func(n int) string { return "`" + strings.Repeat("a", n-11) + "[a](im:b)`" }
	for name, c := range map[string]struct {
		text     string
		mentions int
	}{
		"brackets":          {deep(8), 1},
		"too many brackets": {deep(9), 0},
		"a link":            {long(2048), 1},
		"too long a link":   {long(2049), 0},
		"code":              {code(64 << 10), 0},
		"too long for code": {code(64<<10 + 1), 1},
	} {
		if got := mimi.Mentions(textDialog("text/markdown", c.text)); len(got) != c.mentions {
			t.Errorf("%s: %d mentions", name, len(got))
		}
	}
}
