package convert

import (
	"cmp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// A slackAttachment is a card below a message: what an app shows, the preview of a
// link, or a message that is quoted ("Secondary message attachments").
type slackAttachment struct {
	Pretext    flexible     `json:"pretext"`
	AuthorName flexible     `json:"author_name"`
	Title      flexible     `json:"title"`
	TitleLink  flexible     `json:"title_link"`
	Text       flexible     `json:"text"`
	Fallback   flexible     `json:"fallback"`
	FromURL    flexible     `json:"from_url"`
	Fields     []slackField `json:"fields"`
	ImageURL   flexible     `json:"image_url"`
	Footer     flexible     `json:"footer"`
	Blocks     []slackBlock `json:"blocks"`

	Rest jsontext.Value `json:",embed"`
}

type slackField struct {
	Title flexible       `json:"title"`
	Value flexible       `json:"value"`
	Rest  jsontext.Value `json:",embed"` // short
}

// slackLook are members of cards that say how one looks, or where a quoted message
// is.
var slackLook = []string{
	"id", "color", "mrkdwn_in", "ts", "author_id", "author_link", "author_icon", "author_subname", "service_name", "service_icon",
	"service_url", "original_url", "image_width", "image_height", "image_bytes", "thumb_url", "thumb_width", "thumb_height",
	"footer_icon", "is_msg_unfurl", "is_app_unfurl", "is_share", "is_reply_unfurl", "channel_id", "channel_name", "channel_team",
	"msg_subtype", "bot_id", "bot_team_id", "app_unfurl_url", "app_id", "message_blocks", "private_channel_prompt", "callback_id",
	"attachment_type", "video_html", "video_html_width", "video_html_height", "is_animated", "from_url", "hide_border", "hide_color",
	"video_url", "filename", "size", "mimetype", "url", "thumb_size", "indent", "is_thread_root_unfurl",
}

// attachment appends a card, as a quotation.
func (c *slackRoom) attachment(out *markup, a *slackAttachment) {
	c.unknown(a.Rest, slackLook...)
	if a.Pretext != "" {
		out.line()
		c.mrkdwn(out, string(a.Pretext))
	}
	var card markup
	if a.AuthorName != "" {
		c.shortcodes(&card, unescapeSlack(string(a.AuthorName)))
		card.line()
	}
	if a.Title != "" {
		card.styled(bold, func() { card.link(unescapeSlack(string(a.Title)), string(cmp.Or(a.TitleLink, a.FromURL, a.Title))) })
		card.line()
	}
	before := len(card.spans)
	c.blocks(&card, a.Blocks)
	if len(card.spans) == before {
		c.mrkdwn(&card, string(a.Text))
	}
	card.line()
	for _, f := range a.Fields {
		c.mrkdwn(&card, strings.TrimSpace(string(f.Title)+": "+string(f.Value)))
		card.line()
	}
	if a.ImageURL != "" {
		card.link("", c.address(string(a.ImageURL)))
		card.line()
	}
	if a.Footer != "" {
		c.mrkdwn(&card, string(a.Footer))
	}
	if card.empty() && a.Pretext == "" {
		c.mrkdwn(&card, string(a.Fallback))
	}
	if !card.empty() {
		out.quote(&card)
	}
}
