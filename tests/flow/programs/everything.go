// Thousands of goroutines, a ring of channels, garbage, HTTP on loopback, timers, and preemption.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"
)

func main() {
	var wg sync.WaitGroup
	ch := make(chan int, 10)
	total := 0
	done := make(chan bool)
	go func() {
		for v := range ch {
			total += v
		}
		done <- true
	}()
	for i := 0; i < 10000; i++ {
		wg.Add(1)
		go func(i int) { defer wg.Done(); ch <- i }(i)
	}
	wg.Wait()
	close(ch)
	<-done
	fmt.Println("goroutines", total)
	// A ring of channels.
	first := make(chan int)
	in := first
	for i := 0; i < 2000; i++ {
		out := make(chan int)
		go func(a, b chan int) {
			for v := range a {
				b <- v + 1
			}
		}(in, out)
		in = out
	}
	go func() { first <- 0 }()
	fmt.Println("ring", <-in)
	var keep [][]byte
	for i := 0; i < 2000; i++ {
		keep = append(keep, make([]byte, 10000))
		if i%100 == 0 {
			keep = nil
		}
	}
	runtime.GC()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello "+r.URL.Path) }))
	var mu sync.Mutex
	got := 0
	for i := 0; i < 20; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			r, err := http.Get(fmt.Sprintf("http://%s/%d", l.Addr(), i))
			if err != nil {
				fmt.Println(err)
				return
			}
			b, _ := io.ReadAll(r.Body)
			mu.Lock()
			got += len(b)
			mu.Unlock()
		}(i)
	}
	wg.Wait()
	fmt.Println("http", got)
	t := time.NewTicker(5 * time.Millisecond)
	for i := 0; i < 5; i++ {
		<-t.C
	}
	fmt.Println("ticks")
	// A spinning goroutine is preempted by a signal.
	runtime.GOMAXPROCS(1)
	var x uint64
	go func() {
		for {
			x++
		}
	}()
	time.Sleep(20 * time.Millisecond)
	fmt.Println("preempted", runtime.NumGoroutine() > 2000)
}
