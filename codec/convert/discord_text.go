package convert

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// text appends a text of Discord, which is Markdown of its own kind: nearly GFM,
// with ||spoilers||, __underlines__ (bold in GFM) and <...> for mentions, custom
// emoji and dates, where the exporter has not written them out ("--markdown
// false").
func (c *discordChannel) text(out *markup, s string, mentions []discordUser) {
	if len(s) > MaxMarkup || !strings.ContainsAny(s, "*_~`|<>#[\\") && !strings.Contains(s, "@") {
		out.text(s)
		return
	}
	write := out.text
	if discordFormats(s) {
		write = out.markdown
	}
	from := 0
	pass := func(to int) {
		c.named(out, s[from:to], mentions, write)
		from = to
	}
	for i := 0; i < len(s); {
		switch s[i] {
		case '`':
			run := len(s[i:]) - len(strings.TrimLeft(s[i:], "`"))
			end := strings.Index(s[i+run:min(len(s), i+run+maxCodeSpan)], s[i:i+run])
			if end < 0 {
				i += run
				continue
			}
			pass(i)
			c.code(out, s[i+run:i+run+end], s[i:i+run])
			i += run + end + run
			if run >= 3 && i < len(s) && s[i] == '\n' { // ends the block's last line
				i++
			}
			from = i
		case '<':
			end := strings.IndexByte(s[i:min(len(s), i+maxSpan)], '>')
			pass(i)
			if end > 0 && isRemote(s[i+1:i+end]) {
				out.text(s[i+1 : i+end]) // a link without a preview
			} else if end < 0 || !c.token(out, s[i+1:i+end], mentions) {
				out.text(s[i:min(len(s), i+2)])
				end = min(len(s)-i, 2) - 1
			}
			i += end + 1
			from = i
		case '\\':
			i = min(i+2, len(s))
		default:
			i++
		}
	}
	pass(len(s))
}

// discordFormats reports a text that looks otherwise than it was typed.
func discordFormats(s string) bool {
	var words strings.Builder // without addresses, in which nothing is a mark
	for i := 0; i < len(s); {
		n := address(s[i:], 0)
		if n == 0 {
			n = max(1, strings.IndexByte(s[i+1:], 'h')+1)
			words.WriteString(s[i : i+n])
		}
		i += n
	}
	s = words.String()
	return escape(s, false) != s || strings.Contains(s, "\n>") || strings.HasPrefix(s, "> ") || strings.HasPrefix(s, "# ") || strings.Contains(s, "\n#")
}

// code appends what stands between backticks: a block when there are three, of
// which the first line may name the language.
func (c *discordChannel) code(out *markup, s, ticks string) {
	if len(ticks) < 3 {
		out.add(span{text: s, look: code})
		return
	}
	lang, rest, ok := strings.Cut(s, "\n")
	if !ok || strings.ContainsAny(lang, " \t") {
		lang, rest = "", s
	}
	out.add(span{text: strings.Trim(rest, "\n"), look: pre, lang: lang})
}

// maxCodeSpan bounds how far the end of code is looked for, in bytes: Discord allows
// 4,000 characters a message.
const maxCodeSpan = 16_000

// named writes a text, with its "@name" of people who are mentioned as mentions.
func (c *discordChannel) named(out *markup, s string, mentions []discordUser, write func(string)) {
	from := 0
	for i := 0; i < len(s) && len(mentions) > 0; {
		at := strings.IndexByte(s[i:], '@')
		if at < 0 {
			break
		}
		i += at
		p, n := mentioned(s[i+1:], mentions)
		if n == 0 {
			i++
			continue
		}
		if from < i {
			write(s[from:i])
		}
		out.mention("@"+p.name, c.userURI(p.key))
		i += 1 + n
		from = i
	}
	if from < len(s) {
		write(s[from:])
	}
}

// mentioned finds whose name, of n bytes, a text begins with: the longest one.
func mentioned(s string, mentions []discordUser) (who person, n int) {
	for i := range mentions[:min(len(mentions), maxDiscordMentions)] {
		u := &mentions[i]
		for _, name := range []flexible{u.Nickname, u.Name} {
			if len(name) > n && strings.HasPrefix(s, string(name)) {
				who, n = u.person(), len(name)
			}
		}
	}
	return who, n
}

// maxDiscordMentions bounds the people who are looked for in a text: Discord notifies no
// more of one message.
const maxDiscordMentions = 100

// token appends what stands in <>, and reports whether it is anything.
func (c *discordChannel) token(out *markup, s string, mentions []discordUser) bool {
	kind := strings.TrimRight(s, "0123456789")
	id := s[len(kind):]
	switch {
	case (kind == "@" || kind == "@!") && id != "":
		name := id
		if i := slices.IndexFunc(mentions[:min(len(mentions), maxDiscordMentions)], func(u discordUser) bool { return string(u.ID) == id }); i >= 0 {
			name = mentions[i].person().name
		}
		out.mention("@"+name, c.userURI(id))
	case kind == "#" && id != "":
		out.mention("#"+id, "mimi://"+c.opts.Host+"/r/"+segment(id))
	case kind == "@&" && id != "":
		out.text("@" + id)
	case strings.HasPrefix(s, ":") || strings.HasPrefix(s, "a:"):
		_, name, _ := strings.Cut(s, ":")
		name, number, ok := strings.Cut(name, ":")
		if !ok || number == "" {
			return false
		}
		out.text(":" + name + ":")
	case strings.HasPrefix(s, "t:"):
		number, _, _ := strings.Cut(s[2:], ":")
		seconds, err := strconv.ParseInt(number, 10, 64)
		date := slackDate(seconds)
		if err != nil || date == "" {
			return false
		}
		out.text(date)
	default:
		return false
	}
	return true
}

// A discordEmbed is a card below a message: what an app shows, or the preview of a
// link.
type discordEmbed struct {
	Title       flexible `json:"title"`
	URL         flexible `json:"url"`
	Description flexible `json:"description"`
	Author      struct {
		Name flexible `json:"name"`
	} `json:"author"`
	Image  discordImage   `json:"image"`
	Images []discordImage `json:"images"`
	Video  discordImage   `json:"video"`
	Footer struct {
		Text flexible `json:"text"`
	} `json:"footer"`
	Fields []struct {
		Name  flexible `json:"name"`
		Value flexible `json:"value"`
	} `json:"fields"`

	Rest jsontext.Value `json:",embed"`
}

type discordImage struct {
	URL       flexible `json:"url"`
	Canonical flexible `json:"canonicalUrl"`
}

// embed appends a card as a quotation, and as files the pictures of it that the
// export has.
func (c *discordChannel) embed(msg *message, out *markup, e *discordEmbed) error {
	c.unknown(e.Rest, "timestamp", "color", "thumbnail", "inlineEmojis")
	var card markup
	if e.Author.Name != "" {
		card.text(string(e.Author.Name))
		card.line()
	}
	if e.Title != "" {
		card.styled(bold, func() { card.link(string(e.Title), string(cmp.Or(e.URL, e.Title))) })
	} else if e.URL != "" && !strings.Contains(out.plain(), string(e.URL)) {
		card.link("", string(e.URL))
	}
	card.line()
	c.text(&card, string(e.Description), nil)
	card.line()
	for _, f := range e.Fields {
		c.text(&card, strings.TrimSpace(string(f.Name)+": "+string(f.Value)), nil)
		card.line()
	}
	seen := map[flexible]bool{"": true}
	for _, image := range append([]discordImage{e.Image, e.Video}, e.Images...) {
		if seen[image.URL] {
			continue
		}
		seen[image.URL] = true
		if isRemote(string(image.URL)) {
			if !strings.Contains(out.plain(), string(image.URL)) {
				card.link("", string(image.URL))
				card.line()
			}
			continue
		}
		f, err := c.media(string(image.URL), file{name: baseOf(string(image.URL)), description: string(image.Canonical)})
		if err != nil {
			return err
		}
		msg.files = append(msg.files, f)
	}
	card.text(string(e.Footer.Text))
	if !card.empty() {
		out.quote(&card)
	}
	return nil
}

// baseOf is the last part of a path with slashes of any kind.
func baseOf(ref string) string { return ref[strings.LastIndexAny(ref, `/\`)+1:] }

// A discordPoll is a question and its answers; exports that have it follow
// Discord's own object ("Poll Resource").
type discordPoll struct {
	Question discordPollText `json:"question"`
	Answers  []struct {
		Text  flexible        `json:"text"`
		Media discordPollText `json:"poll_media"`
		Votes flexible        `json:"voteCount"`
	} `json:"answers"`
}

type discordPollText struct {
	Text flexible `json:"text"`
}

// poll appends a poll as text.
func (c *discordChannel) poll(out *markup, p *discordPoll) bool {
	if p.Question.Text == "" {
		return false
	}
	out.line()
	out.text("Poll: " + string(p.Question.Text))
	for _, a := range p.Answers {
		line := "- " + string(cmp.Or(a.Text, a.Media.Text))
		if a.Votes != "" {
			line += " (" + string(a.Votes) + ")"
		}
		out.line()
		out.text(line)
	}
	return true
}
