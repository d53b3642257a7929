// SPDX-License-Identifier: GPL-2.0
/*
 * ELF files in and out: what exec refuses, and what a core dump holds.
 */
#include "test.h"
#include <elf.h>
#include <sys/procfs.h>
#include <sys/resource.h>
#include <sys/user.h>
#include <sys/utsname.h>

static char path[] = "/tmp/elf-XXXXXX";

static void write_program(const void *data, size_t size)
{
	int fd = OK(mkstemp(path));

	CHECK_EQ(write(fd, data, size), size);
	OK(fchmod(fd, 0755));
	OK(close(fd));
}

TEST(program_of_32_bits)
{
	struct {
		Elf32_Ehdr head;
		Elf32_Phdr load;
		unsigned char code[16];
	} elf = {
		.head = {
			.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_EXEC,
			.e_machine = EM_386,
			.e_version = EV_CURRENT,
			.e_entry = 0x8048000 + sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr),
			.e_phoff = sizeof(Elf32_Ehdr),
			.e_ehsize = sizeof(Elf32_Ehdr),
			.e_phentsize = sizeof(Elf32_Phdr),
			.e_phnum = 1,
		},
		.load = {
			.p_type = PT_LOAD, .p_vaddr = 0x8048000, .p_paddr = 0x8048000,
			.p_filesz = sizeof(elf), .p_memsz = sizeof(elf),
			.p_flags = PF_R | PF_X, .p_align = 0x1000,
		},
		/* mov $1, %eax; mov $7, %ebx; int $0x80 */
		.code = { 0xb8, 1, 0, 0, 0, 0xbb, 7, 0, 0, 0, 0xcd, 0x80 },
	};
	char *argv[] = { path, NULL };

	if (!in_guest())
		test_skip("the host may run it");
	write_program(&elf, sizeof(elf));
	FAILS(execv(path, argv), ENOEXEC);
	OK(unlink(path));
}

/* The 32-bit entry into the kernel is not there for 64-bit code either. */
TEST(int_80)
{
	int status;

	if (!in_guest())
		test_skip("the host has it");
	CHILD(pid,
		long ret = 20;

		asm volatile("int $0x80" : "+a"(ret) : : "memory", "r8", "r9", "r10", "r11");
		_exit(ret == -ENOSYS ? 0 : ret == getpid() ? 2 : 1));
	status = wait_status(pid, 5);
	CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV));
}

TEST(broken_programs)
{
	char *argv[] = { path, NULL };
	Elf64_Ehdr head;
	int fd = OK(open("/proc/self/exe", O_RDONLY));
	int status;

	CHECK_EQ(read(fd, &head, sizeof(head)), sizeof(head));
	head.e_machine = EM_AARCH64;
	write_program(&head, sizeof(head));
	FAILS(execv(path, argv), ENOEXEC);
	OK(unlink(path));
	head.e_machine = EM_X86_64;
	head.e_phoff = 1 << 30;
	strcpy(path, "/tmp/elf-XXXXXX");
	write_program(&head, sizeof(head));
	CHILD(pid, execv(path, argv); _exit(3));
	status = wait_status(pid, 5);
	CHECK_NE(status, 0);
	OK(unlink(path));
}

TEST(script_interpreter)
{
	char script[256];
	char *argv[] = { path, NULL };
	ssize_t n = OK(readlink("/proc/self/exe", script + 2, sizeof(script) - 20));

	memcpy(script, "#!", 2);
	strcpy(script + 2 + n, " -l\n");
	write_program(script, strlen(script));
	CHILD(pid,
		int null = OK(open("/dev/null", O_WRONLY));

		dup2(null, 1);
		execv(path, argv));
	WAIT_OK(pid);
	OK(unlink(path));
}

/* Finds a note in the core file; its description's place, or NULL. */
static char *find_note(char *core, Elf64_Phdr *ph, unsigned int type, size_t *size)
{
	char *p = core + ph->p_offset, *end = p + ph->p_filesz;

	while (p + sizeof(Elf64_Nhdr) <= end) {
		Elf64_Nhdr *note = (void *)p;
		char *desc = p + sizeof(*note) + (note->n_namesz + 3) / 4 * 4;

		if (note->n_type == type) {
			*size = note->n_descsz;
			return desc;
		}
		p = desc + (note->n_descsz + 3) / 4 * 4;
	}
	return NULL;
}

#define MARK 0x00c0ffee00c0ffee

static void check_core(char *core, size_t len, pid_t pid, void *marked)
{
	Elf64_Ehdr *head = (void *)core;
	Elf64_Phdr *ph = (void *)(core + head->e_phoff);
	bool found = false, has_mark = false;
	size_t size;

	CHECK_GE(len, sizeof(*head));
	CHECK(!memcmp(head->e_ident, ELFMAG, SELFMAG));
	CHECK_EQ(head->e_type, ET_CORE);
	CHECK_EQ(head->e_machine, EM_X86_64);
	for (int i = 0; i < head->e_phnum; i++, ph++) {
		if (ph->p_type == PT_NOTE) {
			struct elf_prstatus *status = (void *)find_note(core, ph, NT_PRSTATUS, &size);
			struct user_regs_struct *regs;

			CHECK(status);
			CHECK_EQ(size, sizeof(*status));
			CHECK_EQ(status->pr_pid, pid);
			CHECK_EQ(status->pr_cursig, SIGSEGV);
			regs = (void *)&status->pr_reg;
			CHECK_EQ(regs->r13, MARK);
			CHECK_EQ(regs->cs, 0x33);
			CHECK(find_note(core, ph, NT_PRPSINFO, &size));
			CHECK(find_note(core, ph, NT_AUXV, &size));
			CHECK(find_note(core, ph, NT_PRFPREG, &size));
			CHECK(find_note(core, ph, NT_X86_XSTATE, &size));
			CHECK_GE(size, 576);
			found = true;
		} else if (ph->p_type == PT_LOAD && (uintptr_t)marked >= ph->p_vaddr &&
			   (uintptr_t)marked < ph->p_vaddr + ph->p_filesz) {
			CHECK(!strcmp(core + ph->p_offset + ((uintptr_t)marked - ph->p_vaddr),
				      "in the core"));
			has_mark = true;
		}
	}
	CHECK(found);
	CHECK(has_mark);
}

TEST(core_dump)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	char dir[] = "/tmp/core-XXXXXX", name[64], pattern[256];
	char *marked = ANON(PAGE);
	struct stat st;
	int fd, status;

	CHECK_GE(slurp("/proc/sys/kernel/core_pattern", pattern, sizeof(pattern)), 1);
	if (!in_guest() && strcmp(pattern, "core\n"))
		test_skip("the host's core_pattern is %s", pattern);
	CHECK(mkdtemp(dir));
	OK(chdir(dir));
	if (in_guest())
		CHECK_EQ(spew("/proc/sys/kernel/core_pattern", "dump.%p"), 0);
	if (setrlimit(RLIMIT_CORE, &limit))
		test_skip("RLIMIT_CORE: %s", strerror(errno));
	strcpy(marked, "in the core");
	CHILD(pid, asm volatile("mov %0, %%r13\n\tmovb $1, 0" : : "r"(MARK) : "r13"));
	status = wait_status(pid, 10);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGSEGV);
	CHECK(WCOREDUMP(status));
	snprintf(name, sizeof(name), in_guest() ? "dump.%d" : "core", pid);
	fd = open(name, O_RDONLY);
	if (fd < 0) {
		snprintf(name, sizeof(name), "core.%d", pid);
		fd = OK(open(name, O_RDONLY));
	}
	OK(fstat(fd, &st));
	check_core(MAP(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0), st.st_size, pid, marked);
	OK(unlink(name));
	OK(chdir("/"));
	OK(rmdir(dir));
	if (in_guest())
		CHECK_EQ(spew("/proc/sys/kernel/core_pattern", "core"), 0);
}
