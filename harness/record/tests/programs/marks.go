// marks: goroutines on many threads, signals, garbage collection, a child; every mark is a raw system call.
package main

import (
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

var fd uintptr

func mark(n uint32) {
	argument := [2]uint32{n, 0}
	syscall.Syscall(syscall.SYS_IOCTL, fd, 0xc00864c0, uintptr(unsafe.Pointer(&argument)))
}

func main() {
	file, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		panic(err)
	}
	fd = file.Fd()
	if len(os.Args) > 1 {
		mark(10)
		return
	}
	mark(1)
	signals := make(chan os.Signal, 100)
	signal.Notify(signals)
	var group sync.WaitGroup
	for n := uint32(100); n < 200; n++ {
		group.Add(1)
		go func(n uint32) {
			defer group.Done()
			runtime.LockOSThread()
			mark(n)
			syscall.Kill(syscall.Getpid(), syscall.SIGUSR1)
			garbage := make([][]byte, 0)
			for i := 0; i < 50; i++ {
				garbage = append(garbage, make([]byte, 10000))
			}
			time.Sleep(time.Millisecond)
			_ = garbage
		}(n)
	}
	group.Wait()
	runtime.GC()
	if err := exec.Command(os.Args[0], "child").Run(); err != nil {
		panic(err)
	}
	mark(3)
	runtime.KeepAlive(file)
}
