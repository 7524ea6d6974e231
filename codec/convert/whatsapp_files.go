package convert

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// detectWhatsApp looks for a head in the first line that is not blank; in a file of
// another name than the app gives, for a second one.
func detectWhatsApp(name string, prefix []byte) bool {
	base := path.Base(name)
	if !strings.EqualFold(path.Ext(base), ".txt") {
		return false
	}
	want := 2
	if isChatFile(base) {
		want = 1
	}
	var shape chatShape
	heads := 0
	for line := range strings.Lines(string(prefix)) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		h, _, rest, ok := parseChatHead(strings.TrimRight(line, "\r\n"))
		switch {
		case heads == 0 && (!ok || strings.TrimSpace(rest) == ""):
			return false
		case heads == 0:
			shape = h.chatShape
		case !ok || h.chatShape != shape:
			continue
		}
		if heads++; heads >= want {
			return true
		}
	}
	return false
}

// isChatFile reports a name that the app gives to a chat.
func isChatFile(base string) bool {
	low := strings.ToLower(base)
	return path.Ext(low) == ".txt" && (low == "_chat.txt" || strings.Contains(low, "whatsapp") || strings.Contains(low, "واتساب"))
}

// folderWhatsApp reports a folder that is one export, or holds the folders of some:
// there is a chat in it, or one folder below.
func folderWhatsApp(fsys fs.FS, dir string) (bool, error) {
	looked := 0
	var look func(dir string, deeper bool) (bool, error)
	look = func(dir string, deeper bool) (bool, error) {
		entries, err := fs.ReadDir(fsys, dir)
		if err != nil {
			return false, fmt.Errorf("read folder: %w", err)
		}
		for _, e := range entries {
			if looked++; looked > MaxFiles {
				return false, nil
			}
			name := path.Join(dir, e.Name())
			switch {
			case e.IsDir() && deeper:
				if found, err := look(name, false); found || err != nil {
					return found, err
				}
			case e.IsDir() || !isChatFile(e.Name()):
			default:
				if kind, err := detectEntry(fsys, name, e); err != nil || kind == WhatsApp {
					return err == nil, err
				}
			}
		}
		return false, nil
	}
	return look(dir, true)
}

// convertWhatsApp converts a chat, or the chats of a folder. Files of the folder that
// no chat refers to are counted.
func convertWhatsApp(r *run, name string) error {
	info, err := fs.Stat(r.fsys, name)
	if err != nil {
		return fmt.Errorf("open export: %w", err)
	}
	words := wordsOfChats()
	if !info.IsDir() {
		s, err := r.survey(name, words)
		if err != nil {
			return err
		}
		return r.convertChat(name, words, s, nil)
	}
	chats, others, err := r.chatFiles(name)
	if err != nil {
		return fmt.Errorf("read folder: %w", err)
	}
	surveys := make(map[string]*chatSurvey, len(chats))
	for _, chat := range chats {
		if surveys[chat], err = r.survey(chat, words); err != nil {
			return err
		}
	}
	for _, chat := range notChats(chats, surveys, r.opts.Archive) {
		others[chat] = true
		delete(surveys, chat)
	}
	r.report.Files += uint64(len(surveys)) - 1 // the folder was counted as one
	for _, chat := range chats {
		if s := surveys[chat]; s != nil {
			if err := r.convertChat(chat, words, s, others); err != nil {
				return err
			}
		}
	}
	for range others {
		r.report.leaveFile()
	}
	return nil
}

// chatFiles are the files of a folder and those below it: those that look like
// chats, at most MaxChats, and the others.
func (r *run) chatFiles(dir string) (chats []string, others map[string]bool, err error) {
	others = make(map[string]bool)
	err = fs.WalkDir(r.fsys, dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if len(chats)+len(others) >= MaxFiles {
			return fmt.Errorf("more than %d files", MaxFiles)
		}
		kind := Kind("")
		if isChatFile(e.Name()) {
			if kind, err = detectEntry(r.fsys, name, e); err != nil {
				return err
			}
		}
		if kind != WhatsApp {
			others[name] = true
			return nil
		}
		if chats = append(chats, name); len(chats) > MaxChats {
			return fmt.Errorf("more than %d chats", MaxChats)
		}
		return nil
	})
	return chats, others, err
}

// notChats are the files among chats that somebody sent in a chat beside them: they
// are attachments, and what they say was not said in a room of their own. One that
// is named as the app names the chat of its folder or archive is none of them.
func notChats(chats []string, surveys map[string]*chatSurvey, archive string) (not []string) {
	byDir := make(map[string][]string)
	for _, chat := range chats {
		byDir[path.Dir(chat)] = append(byDir[path.Dir(chat)], chat)
	}
	for _, chat := range chats {
		dir := path.Dir(chat)
		beside := byDir[dir]
		if own := ownChat(dir, beside, archive); own != "" {
			if chat != own {
				not = append(not, chat)
			}
			continue
		}
		sent := func(chat string) bool {
			for _, other := range beside {
				if other != chat && surveys[other].sent[path.Base(chat)] {
					return true
				}
			}
			return false
		}
		if sent(chat) && slices.ContainsFunc(beside, func(other string) bool { return !sent(other) }) {
			not = append(not, chat)
		}
	}
	return not
}

// ownChat is the chat of a folder, "" when its names do not tell.
func ownChat(dir string, chats []string, archive string) string {
	for _, chat := range chats {
		base := path.Base(chat)
		name := strings.TrimSuffix(base, path.Ext(base))
		if strings.EqualFold(base, "_chat.txt") || name == path.Base(dir) || dir == "." && name == strings.TrimSuffix(archive, path.Ext(archive)) {
			return chat
		}
	}
	return ""
}

// recentCounts counts equal records among the last ones: of those of one minute no
// two are further apart. Its memory is bounded.
type recentCounts struct{ now, before map[[16]byte]uint32 }

// maxRecent is how many records are remembered, at least.
const maxRecent = 1 << 16

func (n *recentCounts) next(key [16]byte) uint32 {
	count, ok := n.now[key]
	if !ok {
		count = n.before[key]
	}
	if n.now == nil || len(n.now) >= maxRecent {
		n.now, n.before = make(map[[16]byte]uint32), n.now
	}
	n.now[key] = count + 1
	return count
}

// chatLines calls use with each line of a chat, without its end. A line of more than
// MaxChatLine bytes comes as "" with true.
func (r *run) chatLines(name string, use func(line string, tooLong bool) error) error {
	f, err := r.fsys.Open(name)
	if err != nil {
		return fmt.Errorf("open chat: %w", err)
	}
	defer f.Close()
	l := newChatLines(f, MaxChat)
	for n := 0; ; n++ {
		if n%4096 == 0 {
			if err := r.ctx.Err(); err != nil {
				return err
			}
		}
		line, tooLong, err := l.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read chat: %w", err)
		}
		if err := use(line, tooLong); err != nil {
			return err
		}
	}
}

// chatLines reads lines of at most MaxChatLine bytes, their ends included.
type chatLines struct {
	limit   int64
	limited *io.LimitedReader
	in      *bufio.Reader
	line    []byte
}

// newChatLines reads a chat of at most limit bytes.
func newChatLines(r io.Reader, limit int64) *chatLines {
	limited := &io.LimitedReader{R: r, N: limit + 1}
	return &chatLines{limit: limit, limited: limited, in: bufio.NewReaderSize(limited, 64<<10)}
}

// next returns the next line, or io.EOF.
func (l *chatLines) next() (line string, tooLong bool, err error) {
	l.line = l.line[:0]
	for {
		part, err := l.in.ReadSlice('\n')
		if l.limited.N <= 0 {
			return "", false, fmt.Errorf("more than %d bytes", l.limit)
		}
		if tooLong = tooLong || len(l.line)+len(part) > MaxChatLine; !tooLong {
			l.line = append(l.line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err != nil && (!errors.Is(err, io.EOF) || len(l.line) == 0 && !tooLong):
			return "", false, err
		case tooLong:
			return "", true, nil
		default:
			return strings.TrimSuffix(strings.TrimSuffix(string(l.line), "\n"), "\r"), false, nil
		}
	}
}
