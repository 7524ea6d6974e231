package history

import (
	"syscall"
	"unsafe"
)

// FreeSpace is how many bytes this user may still write in the folder path.
func FreeSpace(path string) (free uint64, known bool) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return 0, false
	}
	call := syscall.NewLazyDLL("kernel32.dll").NewProc("GetDiskFreeSpaceExW")
	if call.Find() != nil {
		return 0, false
	}
	ok, _, _ := call.Call(uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(&free)), 0, 0)
	return free, ok != 0
}
