package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

func (s *survey) scan(ctx context.Context, r io.Reader, take func(*codec.Event) error) error {
	sc := codec.NewScanner(r)
	for n := 0; ; n++ {
		if n%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		e, err := sc.Next()
		if f := sc.Format(); f != 0 && s.i.Kind == "vcon" {
			s.format(f.String())
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			p := problem{File: s.now.file, What: err.Error()}
			if e, ok := errors.AsType[*codec.Error](err); ok {
				p.Pointer, p.Offset, p.What = e.Pointer, max(e.Offset, 0), e.Reason
			}
			s.i.problem(p)
			return err
		}
		if err := take(&e); err != nil {
			return err
		}
	}
}

func (s *survey) format(f string) {
	if s.i.Format != "" && s.i.Format != f {
		f = "cbor and json"
	}
	s.i.Format = f
}

func (s *survey) first(e *codec.Event) error {
	s.now.names[e.Name] = true
	switch e.Kind {
	case codec.EventRoom:
		s.now.head.Room = e.Room
	case codec.EventParty:
		s.party(e.Party)
	case codec.EventField:
		if e.Name == "analysis" {
			s.analyses(e.Value) // it is the largest of them, and nothing more is asked of it
			return nil
		}
		if err := s.now.head.Set(e.Name, e.Value); err != nil {
			s.trouble("/"+e.Name, e.Offset, "not of the form that it should have")
		}
	case codec.EventDialog:
		if s.now.dialogs++; s.now.dialogs == 1 && s.now.names["parties"] && s.now.head.Room != nil && s.now.head.Room.ID != "" {
			s.begin(&s.now.head)
		}
		if s.now.room != nil {
			s.dialog(e.Index, e.Offset, e.Dialog)
		}
	case codec.EventAttachment:
		size := int64(-1)
		if e.Body != nil {
			size = e.Body.Size()
			if size < 0 {
				size = e.Body.Length
			}
		}
		if e.Body == nil {
			content, err := e.Attachment.Content()
			if err != nil {
				s.trouble(pointer(e), e.Offset, "its body is not what its encoding says")
			} else if e.Attachment.Body.Kind != codec.BodyAbsent || content != nil { // an object is content, too
				size = int64(len(content))
			}
		}
		s.attachment(e.Attachment, size)
	case codec.EventOther:
		s.trouble(pointer(e), e.Offset, "not an object")
	case codec.EventTooLarge:
		if e.Name == "payload" || e.Name == "ciphertext" {
			return nil // of a signed or encrypted vCon, which is not read
		}
		s.trouble(pointer(e), e.Offset, "too large")
	}
	return nil
}

func pointer(e *codec.Event) string {
	if e.Index < 0 {
		return "/" + e.Name
	}
	return fmt.Sprintf("/%s/%d", e.Name, e.Index)
}
