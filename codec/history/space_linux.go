package history

import "syscall"

// FreeSpace is how many bytes this process may still write where path is. A file
// system that does not know its size says so by a size of 0.
func FreeSpace(path string) (free uint64, known bool) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(path, &fs); err != nil || fs.Blocks == 0 {
		return 0, false
	}
	unit := fs.Frsize // of the counts; Bsize is what is best read at once
	if unit <= 0 {
		unit = fs.Bsize
	}
	return fs.Bavail * uint64(unit), true
}
