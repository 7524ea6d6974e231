// Command pseudonymise makes the excerpts in testdata/irc and testdata/gitter
// from the public corpora that their SOURCES.md name. It replaces nicknames,
// user names, ids, given names, addresses, hosts and URLs, the same one by the
// same one within a run, also in the text of messages. The replacements are
// counted up in order of appearance: nothing can be computed back from them.
//
//	go run ./testdata/internal/pseudonymise -in CORPORA -out testdata
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// An excerpt is a span of lines or rows of one file of the corpora. To 0 is the
// end.
type excerpt struct {
	in, out  string
	from, to int
}

// ircExcerpts are whole files, so that the line numbers of the reply links stay.
var ircExcerpts = []excerpt{
	{in: "irc/dev/2004-11-15_03", out: "irc/2004-11-15_03"},
	{in: "irc/train/2006-06-05.train-a", out: "irc/2006-06-05.train-a"},
	{in: "irc/train/2008-10-02.train-c", out: "irc/2008-10-02.train-c"},
}

var gitterExcerpts = []excerpt{
	{in: "gitter/Russian.tsv", out: "gitter/Russian.tsv", from: 700, to: 1000},
	{in: "gitter/Lahore.tsv", out: "gitter/Lahore.tsv", from: 60, to: 360},
	{in: "gitter/Warsaw.tsv", out: "gitter/Warsaw.tsv", from: 200, to: 500},
	{in: "gitter/BrazilianPortuguese.tsv", out: "gitter/BrazilianPortuguese.tsv", from: 0, to: 300},
	{in: "gitter/python.tsv", out: "gitter/python.tsv", from: 1000, to: 1300},
}

func main() {
	in := flag.String("in", "", "folder of the corpora (irc, gitter)")
	out := flag.String("out", "testdata", "folder to write into")
	flag.Parse()
	if err := run(*in, *out); err != nil {
		fmt.Fprintln(os.Stderr, "pseudonymise:", err)
		os.Exit(1)
	}
}

func run(in, out string) error {
	s := newScrubber()
	if err := s.learnIRC(filepath.Join(in, "irc", "*", "*.raw.txt")); err != nil {
		return err
	}
	for _, e := range ircExcerpts {
		if err := s.irc(filepath.Join(in, e.in), filepath.Join(out, e.out)); err != nil {
			return err
		}
	}
	s = newScrubber()
	s.inGitter = true
	if err := s.learnGitter(filepath.Join(in, "gitter", "*.tsv")); err != nil {
		return err
	}
	for _, e := range gitterExcerpts {
		if err := s.gitter(filepath.Join(in, e.in), filepath.Join(out, e.out), e.from, e.to); err != nil {
			return err
		}
	}
	return nil
}

func write(name string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, b, 0o644)
}
