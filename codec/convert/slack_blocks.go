package convert

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// A slackBlock is a block of the block kit, or an element of one ("Block Kit",
// "Rich text block").
type slackBlock struct {
	Type     string       `json:"type"`
	Text     slackText    `json:"text"`
	Fields   []slackText  `json:"fields"`
	Elements []slackBlock `json:"elements"`
	Style    slackStyle   `json:"style"`
	Indent   flexible     `json:"indent"`
	Offset   flexible     `json:"offset"`

	URL       flexible  `json:"url"`
	UserID    flexible  `json:"user_id"`
	ChannelID flexible  `json:"channel_id"`
	GroupID   flexible  `json:"usergroup_id"`
	Range     flexible  `json:"range"`
	Name      flexible  `json:"name"`
	Unicode   flexible  `json:"unicode"`
	Tone      flexible  `json:"skin_tone"`
	Time      flexible  `json:"timestamp"`
	Fallback  flexible  `json:"fallback"`
	Value     flexible  `json:"value"`
	Title     slackText `json:"title"`
	AltText   flexible  `json:"alt_text"`
	ImageURL  flexible  `json:"image_url"`
	Label     slackText `json:"label"`

	Rest jsontext.Value `json:",embed"`
}

// A slackText is a text object, or the text itself.
type slackText struct {
	plain bool
	text  string
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *slackText) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '{' {
		var f flexible
		err := f.UnmarshalJSONFrom(dec)
		t.plain, t.text = true, string(f)
		return err
	}
	v, err := dec.ReadValue()
	if err != nil {
		return err
	}
	var object struct {
		Type flexible `json:"type"`
		Text flexible `json:"text"`
	}
	if unmarshal(v, &object) {
		t.plain, t.text = object.Type == "plain_text", string(object.Text)
	}
	return nil
}

// A slackStyle is how a text looks, or what a list or button is.
type slackStyle struct {
	name                       string
	bold, italic, strike, code bool
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (s *slackStyle) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '{' {
		var f flexible
		err := f.UnmarshalJSONFrom(dec)
		s.name = string(f)
		return err
	}
	v, err := dec.ReadValue()
	if err != nil {
		return err
	}
	var object struct {
		Bold   flexible `json:"bold"`
		Italic flexible `json:"italic"`
		Strike flexible `json:"strike"`
		Code   flexible `json:"code"`
	}
	if unmarshal(v, &object) {
		s.bold, s.italic, s.strike, s.code = object.Bold == "true", object.Italic == "true", object.Strike == "true", object.Code == "true"
	}
	return nil
}

// blocks appends the blocks of a message, each on lines of its own.
func (x *slackExport) blocks(out *markup, all []slackBlock) {
	for i := range all {
		x.block(out, &all[i])
	}
}

func (x *slackExport) block(out *markup, b *slackBlock) {
	out.line()
	// Not a button or picture beside the text ("accessory"): that is counted.
	x.unknown(b.Rest, "block_id", "expand", "image_width", "image_height", "image_bytes", "is_animated", "level")
	switch b.Type {
	case "rich_text":
		x.richText(out, b.Elements)
	case "header":
		out.styled(bold, func() { x.object(out, b.Text) })
	case "markdown": // what Slack takes for Markdown already
		out.markdown(b.Text.text)
	case "section", "call":
		x.object(out, b.Text)
		for _, f := range b.Fields {
			out.line()
			x.object(out, f)
		}
	case "context", "actions", "context_actions":
		for i := range b.Elements {
			e := &b.Elements[i]
			if i > 0 && len(out.spans) > 0 {
				out.text(" ")
			}
			switch e.Type {
			case "image":
				out.text(string(e.AltText))
			case "mrkdwn": // a text object itself
				x.mrkdwn(out, e.Text.text)
			default:
				x.object(out, e.Text)
			}
			if e.URL != "" {
				out.text(" ")
				out.link("", x.address(string(e.URL)))
			}
		}
	case "image", "video":
		out.link(cmp.Or(b.Title.text, string(b.AltText)), x.address(string(cmp.Or(b.ImageURL, b.URL))))
	case "divider":
	default:
		x.object(out, b.Text)
		x.object(out, b.Label)
		if b.Type != "" {
			x.report.mend(FieldUnknown)
		}
	}
}

// object appends a text object: plain, or with markup.
func (x *slackExport) object(out *markup, t slackText) {
	if t.plain {
		x.shortcodes(out, t.text)
		return
	}
	x.mrkdwn(out, t.text)
}

// richText appends the parts of a rich_text block.
func (x *slackExport) richText(out *markup, parts []slackBlock) {
	numbers := map[flexible]int{} // of ordered lists, by indent
	for i := range parts {
		p := &parts[i]
		switch p.Type {
		case "rich_text_list":
			out.line()
			indent, _ := p.Indent.int64()
			pad := strings.Repeat("  ", int(max(0, min(indent, 8))))
			start, _ := p.Offset.int64()
			n := max(numbers[p.Indent], int(max(0, min(start, 1<<20))))
			for k := range p.Elements {
				bullet := "- "
				if n++; p.Style.name == "ordered" {
					bullet = strconv.Itoa(n) + ". "
				}
				out.markdown(pad + bullet)
				x.elements(out, p.Elements[k].Elements)
				out.line()
			}
			if p.Style.name == "ordered" {
				numbers[p.Indent] = n
			}
			continue
		case "rich_text_quote":
			var q markup
			x.elements(&q, p.Elements)
			out.quote(&q)
		case "rich_text_preformatted":
			var q markup
			x.elements(&q, p.Elements)
			out.add(span{text: strings.Trim(q.plain(), "\n"), look: pre})
		default: // rich_text_section
			x.elements(out, p.Elements)
		}
		clear(numbers)
	}
}

// elements appends the elements of a part of a rich text.
func (x *slackExport) elements(out *markup, all []slackBlock) {
	for i := range all {
		e := &all[i]
		var l look
		for _, f := range []struct {
			on   bool
			look look
		}{{e.Style.bold, bold}, {e.Style.italic, italic}, {e.Style.strike, strike}, {e.Style.code, code}} {
			if f.on {
				l |= f.look
			}
		}
		out.styled(l, func() { x.element(out, e) })
	}
}

func (x *slackExport) element(out *markup, e *slackBlock) {
	switch e.Type {
	case "text":
		out.text(e.Text.text)
	case "link":
		out.link(e.Text.text, x.address(string(e.URL)))
	case "user":
		x.mentionUser(out, string(e.UserID), "")
	case "channel":
		x.mentionChannel(out, string(e.ChannelID), "")
	case "usergroup":
		out.text(groupName(string(e.GroupID), ""))
	case "broadcast":
		out.text("@" + string(e.Range))
	case "emoji":
		out.text(richEmoji(e))
	case "date":
		seconds, _ := e.Time.int64()
		out.text(cmp.Or(string(e.Fallback), slackDate(seconds)))
	case "color":
		out.text(string(e.Value))
	default:
		out.text(e.Text.text)
		x.report.mend(FieldUnknown)
	}
}

// richEmoji is the emoji of a rich text, which has its code points.
func richEmoji(e *slackBlock) string {
	var out strings.Builder
	for _, hex := range strings.Split(string(e.Unicode), "-") {
		c, err := strconv.ParseUint(hex, 16, 32)
		if err != nil || c > 0x10ffff {
			name := string(e.Name)
			if e.Tone != "" {
				name += "::skin-tone-" + string(e.Tone)
			}
			return slackEmoji(name)
		}
		out.WriteRune(rune(c))
	}
	return out.String()
}
