package convert

import "strings"

// slackEmoji is a reaction as people see it: the emoji of a usual short code, with
// its skin tone, else ":name:", which is also how a custom emoji is written. The
// table has what people react with most; who does not find his there reads the
// name.
func slackEmoji(name string) string {
	base, tone, toned := strings.Cut(name, "::skin-tone-")
	e, ok := shortcodes[base]
	if !ok {
		return ":" + name + ":"
	}
	if !toned {
		return e
	}
	if len(tone) != 1 || tone[0] < '2' || tone[0] > '6' {
		return ":" + name + ":"
	}
	return strings.TrimSuffix(e, "\uFE0F") + string(rune(0x1F3FB+int32(tone[0]-'2')))
}

// shortcodes appends a text, its usual short codes as emoji.
func (x *slackExport) shortcodes(out *markup, s string) {
	var text strings.Builder
	for {
		i := strings.IndexByte(s, ':')
		if i < 0 {
			break
		}
		text.WriteString(s[:i])
		s = s[i:]
		n := strings.IndexByte(s[1:min(len(s), 1+maxShortcode)], ':')
		if n <= 0 {
			text.WriteByte(':')
			s = s[1:]
			continue
		}
		name, rest := s[1:1+n], s[2+n:]
		if tone, after, ok := cutTone(rest); ok {
			name, rest = name+"::"+tone, after
		}
		if e := slackEmoji(name); !strings.HasPrefix(e, ":") {
			text.WriteString(e)
			s = rest
			continue
		}
		text.WriteByte(':')
		s = s[1:]
	}
	text.WriteString(s)
	out.text(text.String())
}

// cutTone takes ":skin-tone-2:" from the front of a text.
func cutTone(s string) (tone, rest string, ok bool) {
	const prefix = ":skin-tone-"
	if len(s) < len(prefix)+2 || !strings.HasPrefix(s, prefix) || s[len(prefix)+1] != ':' {
		return "", s, false
	}
	return s[1 : len(prefix)+1], s[len(prefix)+2:], true
}

// maxShortcode bounds the length of a short code that is looked up.
const maxShortcode = 40

var shortcodes = map[string]string{
	"+1": "👍", "thumbsup": "👍", "-1": "👎", "thumbsdown": "👎", "heart": "❤️", "joy": "😂", "smile": "😄", "grinning": "😀",
	"grin": "😁", "laughing": "😆", "satisfied": "😆", "sweat_smile": "😅", "rolling_on_the_floor_laughing": "🤣", "rofl": "🤣",
	"slightly_smiling_face": "🙂", "upside_down_face": "🙃", "wink": "😉", "blush": "😊", "innocent": "😇", "heart_eyes": "😍",
	"kissing_heart": "😘", "yum": "😋", "stuck_out_tongue": "😛", "stuck_out_tongue_winking_eye": "😜", "zany_face": "🤪",
	"hugging_face": "🤗", "thinking_face": "🤔", "thinking": "🤔", "face_with_raised_eyebrow": "🤨", "neutral_face": "😐",
	"expressionless": "😑", "no_mouth": "😶", "smirk": "😏", "unamused": "😒", "face_with_rolling_eyes": "🙄", "grimacing": "😬",
	"relieved": "😌", "pensive": "😔", "sleepy": "😪", "sleeping": "😴", "mask": "😷", "nauseated_face": "🤢", "sneezing_face": "🤧",
	"dizzy_face": "😵", "exploding_head": "🤯", "partying_face": "🥳", "sunglasses": "😎", "nerd_face": "🤓", "confused": "😕",
	"worried": "😟", "slightly_frowning_face": "🙁", "open_mouth": "😮", "hushed": "😯", "astonished": "😲", "flushed": "😳",
	"pleading_face": "🥺", "cry": "😢", "sob": "😭", "scream": "😱", "disappointed": "😞", "sweat": "😓", "weary": "😩",
	"tired_face": "😫", "yawning_face": "🥱", "triumph": "😤", "rage": "😡", "angry": "😠", "smiling_imp": "😈", "skull": "💀",
	"poop": "💩", "hankey": "💩", "ghost": "👻", "alien": "👽", "robot_face": "🤖", "see_no_evil": "🙈", "hear_no_evil": "🙉",
	"speak_no_evil": "🙊", "broken_heart": "💔", "orange_heart": "🧡", "yellow_heart": "💛", "green_heart": "💚", "blue_heart": "💙",
	"purple_heart": "💜", "black_heart": "🖤", "white_heart": "🤍", "two_hearts": "💕", "sparkling_heart": "💖", "100": "💯",
	"boom": "💥", "collision": "💥", "dizzy": "💫", "sweat_drops": "💦", "zzz": "💤", "wave": "👋", "raised_hand": "✋", "hand": "✋",
	"ok_hand": "👌", "v": "✌️", "crossed_fingers": "🤞", "point_up": "☝️", "point_up_2": "👆", "point_down": "👇", "point_left": "👈",
	"point_right": "👉", "fist": "✊", "facepunch": "👊", "punch": "👊", "clap": "👏", "raised_hands": "🙌", "open_hands": "👐",
	"handshake": "🤝", "pray": "🙏", "muscle": "💪", "eyes": "👀", "brain": "🧠", "shrug": "🤷", "facepalm": "🤦", "man-shrugging": "🤷‍♂️",
	"woman-shrugging": "🤷‍♀️", "man-facepalming": "🤦‍♂️", "woman-facepalming": "🤦‍♀️", "salute": "🫡", "saluting_face": "🫡",
	"white_check_mark": "✅", "heavy_check_mark": "✔️", "ballot_box_with_check": "☑️", "x": "❌", "negative_squared_cross_mark": "❎",
	"exclamation": "❗", "question": "❓", "grey_question": "❔", "bangbang": "‼️", "warning": "⚠️", "no_entry": "⛔", "no_entry_sign": "🚫",
	"heavy_plus_sign": "➕", "heavy_minus_sign": "➖", "one": "1️⃣", "two": "2️⃣", "three": "3️⃣", "four": "4️⃣", "five": "5️⃣",
	"tada": "🎉", "confetti_ball": "🎊", "balloon": "🎈", "birthday": "🎂", "gift": "🎁", "trophy": "🏆", "medal": "🏅", "crown": "👑",
	"rocket": "🚀", "fire": "🔥", "star": "⭐", "star2": "🌟", "sparkles": "✨", "zap": "⚡", "sunny": "☀️", "rainbow": "🌈",
	"snowflake": "❄️", "coffee": "☕", "tea": "🍵", "beer": "🍺", "beers": "🍻", "wine_glass": "🍷", "clinking_glasses": "🥂",
	"champagne": "🍾", "pizza": "🍕", "cake": "🍰", "cookie": "🍪", "popcorn": "🍿", "taco": "🌮", "hamburger": "🍔", "dog": "🐶",
	"cat": "🐱", "unicorn_face": "🦄", "bug": "🐛", "snail": "🐌", "turtle": "🐢", "parrot": "🦜", "herb": "🌿", "seedling": "🌱",
	"bulb": "💡", "memo": "📝", "pencil": "📝", "pushpin": "📌", "bell": "🔔", "mega": "📣", "loudspeaker": "📢", "speech_balloon": "💬",
	"calendar": "📅", "hourglass": "⌛", "hourglass_flowing_sand": "⏳", "alarm_clock": "⏰", "lock": "🔒", "key": "🔑", "wrench": "🔧",
	"hammer": "🔨", "gear": "⚙️", "link": "🔗", "mag": "🔍", "package": "📦", "email": "📧", "phone": "☎️", "computer": "💻",
	"chart_with_upwards_trend": "📈", "chart_with_downwards_trend": "📉", "moneybag": "💰", "soccer": "⚽", "dart": "🎯",
	"musical_note": "🎵", "arrow_up": "⬆️", "arrow_down": "⬇️", "arrow_left": "⬅️", "arrow_right": "➡️", "recycle": "♻️",
	"red_circle": "🔴", "large_blue_circle": "🔵", "large_green_circle": "🟢", "large_yellow_circle": "🟡", "checkered_flag": "🏁",
	"dancer": "💃", "man_dancing": "🕺", "sos": "🆘", "new": "🆕", "cool": "🆒", "ok": "🆗",
}
