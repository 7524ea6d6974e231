package history_test

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A source of files, and what the person at the old device will be asked about.
func ExampleNewSource() {
	ctx := context.Background()
	path := filepath.Join("..", "..", "testdata", "sample", "sample.cbor")
	// guide:files
	reader, err := history.OpenFiles(ctx, []string{path}, history.Options{})
	if err != nil {
		return // a *history.FileError says which file, and where in it
	}
	source := history.NewSource(reader, history.SourceOptions{})
	defer source.Close()
	o, err := source.Overview(ctx, segment.Scope{
		Since:   time.Date(2022, 2, 9, 6, 30, 0, 0, time.UTC),
		NoMedia: true,
	})
	// guide:end
	if err != nil {
		panic(err)
	}
	fmt.Println(o.Messages, "messages of", o.Rooms[0].Name)
	fmt.Println(o.Left.Excluded[segment.OutsideScope], "are older,", o.Left.AttachmentsExcluded[segment.NoMedia], "picture stays")

	// Output:
	// 7 messages of Engineering Team
	// 8 are older, 1 picture stays
}
