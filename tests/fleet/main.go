// A fleet that costs little: Cisco IOS-like devices for measuring clients, where the simulator would be measured instead.
//
// fleet INVENTORY TEXTS PORT DELAY: a JSON list of {"address", "name"}; the texts of tests.bench_texts as JSON;
// milliseconds before each answer. Prints a line when it listens. It knows what `tests.bench_clients` sends, and no faults.
package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// texts are what a device prints; NAME in them stands for its name.
type texts struct{ Greeting, Version, Configuration, Entering string }

type device struct {
	Address, Name string
	texts         texts
}

type shell struct {
	*device
	out   *bufio.Writer
	mode  string
	asked bool
}

var delay time.Duration

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	runtime.GOMAXPROCS(1) // one process of one core, as the simulator is
	inventory, err := os.ReadFile(os.Args[1])
	check(err)
	given, err := os.ReadFile(os.Args[2])
	check(err)
	var all texts
	check(json.Unmarshal(given, &all))
	milliseconds, err := strconv.Atoi(os.Args[4])
	check(err)
	delay = time.Duration(milliseconds) * time.Millisecond
	var devices []*device
	check(json.Unmarshal(inventory, &devices))
	for _, d := range devices {
		own := func(text string) string {
			return strings.ReplaceAll(strings.ReplaceAll(text, "\n", "\r\n"), "NAME", d.Name)
		}
		d.texts = texts{own(all.Greeting), own(all.Version), own(all.Configuration), own(all.Entering)}
		listener, err := net.Listen("tcp", d.Address+":"+os.Args[3])
		check(err)
		go d.listen(listener)
	}
	fmt.Printf("Fleet ready: %d devices on port %s.\n", len(devices), os.Args[3])
	select {}
}

func (d *device) listen(listener net.Listener) {
	seed := sha256.Sum256([]byte("fleet:" + d.Address))
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(seed[:]))
	check(err)
	config := &ssh.ServerConfig{PasswordCallback: func(c ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
		if c.User() == "netops" && string(password) == "demo-login" {
			return nil, nil
		}
		return nil, fmt.Errorf("wrong password")
	}}
	config.AddHostKey(signer)
	for {
		connection, err := listener.Accept()
		if err == nil {
			go d.serve(connection, config)
		}
	}
}

func (d *device) serve(connection net.Conn, config *ssh.ServerConfig) {
	defer connection.Close()
	_, channels, requests, err := ssh.NewServerConn(connection, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for asked := range channels {
		channel, requests, err := asked.Accept()
		if err != nil {
			return
		}
		go func() {
			for request := range requests {
				request.Reply(request.Type == "pty-req" || request.Type == "shell", nil)
				if request.Type == "shell" {
					go (&shell{device: d, out: bufio.NewWriterSize(channel, 65536), mode: ">"}).talk(channel)
				}
			}
		}()
	}
}

// talk reads lines, which end in CR, LF or both, and answers each.
func (s *shell) talk(channel ssh.Channel) {
	defer channel.Close()
	fmt.Fprintf(s.out, "\r\n%s%s%s", s.texts.Greeting, s.Name, s.mode)
	s.out.Flush()
	var line []byte
	buffer, last := make([]byte, 4096), byte(0)
	for {
		n, err := channel.Read(buffer)
		if err != nil {
			return
		}
		for _, b := range buffer[:n] {
			if b != '\r' && b != '\n' {
				line = append(line, b)
				if !s.asked {
					s.out.WriteByte(b)
				}
			} else if b == '\r' || last != '\r' {
				if bytes.Equal(line, []byte("exit")) {
					return
				}
				s.answer(strings.TrimSpace(string(line)))
				line = line[:0]
			}
			last = b
		}
		s.out.Flush()
	}
}

func (s *shell) answer(line string) {
	if s.asked {
		s.out.WriteString("\r\n")
		s.asked = false
		if line == "demo-enable" {
			s.mode = "#"
		}
	} else {
		s.out.WriteString("\r\n")
		if line != "" && delay > 0 {
			s.out.Flush()
			time.Sleep(delay)
		}
		s.execute(line)
	}
	if s.asked {
		s.out.WriteString("Password: ")
	} else {
		s.out.WriteString(s.Name + s.mode)
	}
}

func (s *shell) execute(line string) {
	configuring := strings.HasPrefix(s.mode, "(")
	switch {
	case line == "end":
		s.mode = "#"
	case configuring && strings.HasPrefix(line, "interface "):
		s.mode = "(config-if)#"
	case configuring || line == "" || line[0] == '!' || strings.HasPrefix(line, "terminal "):
	case line == "enable":
		s.asked = s.mode == ">"
	case line == "show version":
		s.out.WriteString(s.texts.Version)
	case line == "show running-config" && s.mode == "#":
		s.out.WriteString(s.texts.Configuration)
	case line == "configure terminal" && s.mode == "#":
		s.out.WriteString(s.texts.Entering)
		s.mode = "(config)#"
	default:
		s.out.WriteString("              ^\r\n% Invalid input detected at '^' marker.\r\n")
	}
}
