package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// attachment counts an attachment, whose content has size bytes, -1 if it is not in
// the file. What a file says of a size that it does not have is not counted.
func (s *survey) attachment(a *codec.Attachment, size int64) {
	a = s.now.upgrade.Attachment(a)
	c := s.i.Attachments
	c.Count++
	if size < 0 {
		size = s.beside(a)
	}
	if size < 0 {
		return
	}
	c.Content++
	c.Bytes += uint64(size)
}

// beside is the size of a content in the folder attachments beside the file, where
// it is named by its hash, or -1.
func (s *survey) beside(a *codec.Attachment) int64 {
	name, ok := strings.CutPrefix(a.URL, attachmentsFolder+"/")
	var own struct {
		SHA256 string `cbor:"sha256"`
	}
	if !ok && a.Extra[segment.Parameter].Decode(&own) == nil { // it had a url of its own
		name, ok = own.SHA256, true
	}
	if sum, err := hex.DecodeString(name); !ok || s.now.dir == "" || err != nil || len(sum) != sha256.Size {
		return -1
	}
	info, err := os.Lstat(filepath.Join(s.now.dir, attachmentsFolder, name))
	if err != nil || !info.Mode().IsRegular() {
		return -1
	}
	return info.Size()
}
