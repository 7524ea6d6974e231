package history

import "syscall"

// FreeSpace is how many bytes this process may still write where path is. A file
// system that does not know its size says so by a size of 0.
func FreeSpace(path string) (free uint64, known bool) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(path, &fs); err != nil || fs.Blocks == 0 {
		return 0, false
	}
	return fs.Bavail * uint64(fs.Bsize), true
}
