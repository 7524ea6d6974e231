package convert

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// An mms is a multimedia message as it is read.
type mms struct {
	fields  map[string]string
	texts   []string
	files   []file
	from    string // who sent it
	others  string // the addresses that are none of a sender
	held    int    // bytes of texts
	parts   int
	addrs   int
	tooLong bool
}

const (
	mmsFields = " date rr sub ct_t read_status seen msg_box address sub_cs resp_st retr_st d_tm text_only exp locked m_id st" +
		" retr_txt_cs retr_txt creator date_sent read m_size rpt_a ct_cls pri sub_id tr_id resp_txt ct_l m_cls d_rpt v _id" +
		" m_type readable_date contact_name sim_slot sim_imsi thread_id spam_report hidden callback_set app_id" +
		" reserved msg_id deletable from_address "
	partFields = " seq ct name chset cd fn cid cl ctt_s ctt_t text data sub_id _id mid "
	addrFields = " address type charset _id msg_id contact_id "
)

// mms reads a message up to its end. A record that is too long is passed over up
// to there.
func (s *smsFile) mms(t *tag) error {
	m := &mms{tooLong: t.tooLong, fields: s.values(t, mmsFields)}
	for !t.empty {
		next, err := s.in.next()
		if errors.Is(err, io.EOF) {
			err = errTruncatedXML
		}
		if err != nil {
			return s.in.failed(err)
		}
		if next.end {
			if next.name == "mms" {
				break
			}
			continue
		}
		switch next.name {
		case "parts", "addrs":
		case "part":
			s.part(m, next)
		case "addr":
			s.addr(m, next)
		default:
			s.report.mend(FieldUnknown)
		}
		if s.in.offset > MaxExport {
			return s.in.failed(errExportTooLong)
		}
	}
	return s.addMMS(m)
}

// addr takes the sender. The others are in the address of the message.
func (s *smsFile) addr(m *mms, t *tag) {
	const from = "137"
	v := s.values(t, addrFields)
	if a := v["address"]; v["type"] == from && a != "insert-address-token" {
		m.from = a
	} else if m.addrs++; m.addrs <= MaxXMLParts && a != "insert-address-token" && len(a) <= MaxName {
		m.others += "~" + a
	}
}

// part takes one part: a text of the message, or a file.
func (s *smsFile) part(m *mms, t *tag) {
	if m.parts++; m.parts > MaxXMLParts || t.tooLong || m.tooLong {
		m.tooLong = true
		return
	}
	var data *passedValue
	for i := range t.attrs {
		if a := &t.attrs[i]; a.name == "data" && a.passed.decoded > 0 && a.passed.head != "null" {
			data = &a.passed
		}
	}
	v := s.values(t, partFields)
	mediaType, text := strings.ToLower(v["ct"]), v["text"]
	if m.held += len(text); m.held > maxXMLText {
		m.tooLong = true
		return
	}
	switch {
	case mediaType == "application/smil":
		s.report.mend(SlideLayout)
		return
	case mediaType == "text/plain" && data == nil:
		if text != "" {
			m.texts = append(m.texts, text)
		}
		return
	}
	f := file{mediaType: plainType(v["ct"]), name: s.short(partName(v))}
	switch {
	case data != nil:
		f.content = s.dataContent(data)
		if data.dirty {
			s.report.mend(NotBase64)
		}
	case text != "":
		f.content = bytesContent([]byte(text))
	}
	m.files = append(m.files, f)
}

// partName is the name of a part, of those that it may have.
func partName(v map[string]string) string {
	name := cmp.Or(v["fn"], v["name"], v["cl"], strings.Trim(v["cid"], "<>"))
	return name[strings.LastIndexAny(name, `/\`)+1:]
}

// dataContent is the content of a value that was passed over.
func (s *smsFile) dataContent(v *passedValue) *Content {
	r, name, offset, size, entities := s.run, s.file, v.offset, v.size, v.entities
	return &Content{size: v.decoded, open: func() (io.ReadCloser, error) {
		f, err := r.openAt(name, offset)
		if err != nil {
			return nil, err
		}
		in := io.LimitReader(f, size)
		if entities {
			in = &entityless{in: bufio.NewReader(in)}
		}
		return decoded{newBase64Reader(in), f}, nil
	}}
}

// addMMS adds a message whose end was read.
func (s *smsFile) addMMS(m *mms) error {
	v := m.fields
	millis, ok := smsDate(v["date"])
	switch {
	case m.tooLong:
		s.report.leave(RecordTooLong)
		return nil
	case v["m_type"] == "134" || v["m_type"] == "136":
		s.report.leave(DeliveryReport)
		return nil
	case !ok:
		s.report.leave(RecordUndated)
		return nil
	}
	sender, kind := s.box(cmp.Or(v["msg_box"], "1"))
	address := v["address"]
	if address == "" {
		// Who it was sent to stands in the addresses, the owner of the phone among them.
		address = m.others
		if sender == roomItself {
			address = cmp.Or(m.from, address)
		}
	}
	room, err := s.room(address, v["contact_name"])
	if err != nil {
		return err
	}
	if err := room.full(); err != nil {
		return err
	}
	for one := range strings.SplitSeq(address, "~") {
		if smsKey(one) != "" {
			room.party(s.person(one)) // of a group, also who says nothing
		}
	}
	if sender == roomItself {
		sender = s.person(cmp.Or(m.from, address))
	}
	text := strings.Join(m.texts, "\n")
	if v["m_type"] == "130" && text == "" && len(m.files) == 0 {
		text, kind = "Multimedia message that was not downloaded", mimi.Origin{Kind: "not downloaded"}
	}
	id := []string{"mms", room.uri, v["date"], v["msg_box"], m.from, v["m_id"], v["sub"], text}
	for i := range m.files {
		f := &m.files[i]
		if f.mediaType == "" {
			f.mediaType = mediaTypeOf(f.name)
		}
		size := int64(-1)
		if f.content != nil {
			size = f.content.size
		}
		id = append(id, f.name, f.mediaType, strconv.FormatInt(size, 10))
	}
	_, err = room.add(&message{
		sender: sender, millis: millis, text: withSubject(v["sub"], text), files: m.files, origin: kind, salt: salt(id...),
	})
	return err
}
