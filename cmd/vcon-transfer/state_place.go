package main

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/transfer/statedir"
)

// quoted makes one line of what a command names.
func quoted(words []string) string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = w
		if w == "" || strings.ContainsAny(w, " \"'\\#") {
			all[i] = strconv.Quote(w)
		}
	}
	return bounded(strings.Join(all, " "))
}

// bounded gives a place that a directory takes: of many sources the first ones, and a
// hash of all.
func bounded(place string) string {
	if len(place) <= maxPlace {
		return place
	}
	return fmt.Sprintf("%s... #%x", strings.ToValidUTF8(place[:maxPlaceShown], ""), sha256.Sum256([]byte(place)))
}

const (
	// maxPlace bounds a place in full, in bytes, with room for the number behind it.
	maxPlace = statedir.MaxPlace - 16
	// maxPlaceShown is what is left of a longer one.
	maxPlaceShown = 4 << 10
)

// place names what is received: the destination, and whose history it is to be.
func (f *receiveFlags) place() string {
	words := []string{absolute(f.where())}
	if f.catchUp {
		words = append(words, "--catch-up")
	}
	if f.room != "" {
		words = append(words, "--room", f.room)
	}
	return quoted(words)
}

// place names what is sent: the sources, and what of them is chosen.
func (f *sendFlags) place(sources []string) string {
	var words []string
	for _, s := range sources {
		words = append(words, absolute(s))
	}
	for _, flag := range []struct{ name, value string }{{"--since", f.since}, {"--until", f.until}} {
		if flag.value != "" {
			words = append(words, flag.name, flag.value)
		}
	}
	for _, room := range f.rooms {
		words = append(words, "--room", room)
	}
	if f.maxMessages > 0 {
		words = append(words, "--max-messages", strconv.FormatUint(f.maxMessages, 10))
	}
	if f.noMedia {
		words = append(words, "--no-media")
	}
	return quoted(words)
}

func absolute(path string) string {
	if path == "-" {
		return path
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
