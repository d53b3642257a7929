// SPDX-License-Identifier: GPL-2.0
/*
 * Queues, segments and semaphores: POSIX and System V.
 */
#include "test.h"
#include <mqueue.h>
#include <semaphore.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

TEST(posix_message_queue)
{
	struct mq_attr attr = { .mq_maxmsg = 4, .mq_msgsize = 64 };
	struct timespec past = { 1, 0 };
	unsigned int priority;
	char name[32], buf[64];
	mqd_t q;

	snprintf(name, sizeof(name), "/guest-test-%d", getpid());
	q = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	if (q == (mqd_t)-1 && errno == ENOSYS && !in_guest())
		test_skip("the host has none");
	OK(q);
	OK(mq_unlink(name));
	FAILS(mq_timedreceive(q, buf, 64, NULL, &past), ETIMEDOUT);
	CHILD(pid,
		OK(mq_send(q, "low", 4, 1));
		OK(mq_send(q, "high", 5, 9));
		OK(mq_send(q, "low2", 5, 1)));
	WAIT_OK(pid);
	CHECK_EQ(OK(mq_receive(q, buf, 64, &priority)), 5);
	CHECK(!strcmp(buf, "high"));
	CHECK_EQ(priority, 9);
	CHECK_EQ(OK(mq_receive(q, buf, 64, &priority)), 4);
	CHECK(!strcmp(buf, "low"));
	CHECK_EQ(OK(mq_receive(q, buf, 64, &priority)), 5);
	FAILS(mq_receive(q, buf, 63, &priority), EMSGSIZE);
}

static volatile int notified;

static void notice(int sig, siginfo_t *si, void *uc)
{
	notified = si->si_code == SI_MESGQ ? si->si_value.sival_int : -1;
}

TEST(message_queue_notification)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	char name[32];
	mqd_t q;

	snprintf(name, sizeof(name), "/guest-note-%d", getpid());
	q = OK(mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, NULL));
	OK(mq_unlink(name));
	ev.sigev_value.sival_int = 66;
	on_signal(SIGUSR1, notice, 0);
	OK(mq_notify(q, &ev));
	CHILD(pid, OK(mq_send(q, "x", 1, 0)));
	WAIT_OK(pid);
	CHECK_EQ(notified, 66);
}

TEST(system_v_messages)
{
	struct {
		long type;
		char text[16];
	} msg = { 3, "three" };
	int q = OK(msgget(IPC_PRIVATE, 0600));

	CHILD(pid,
		OK(msgsnd(q, &msg, 6, 0));
		msg.type = 5;
		strcpy(msg.text, "five");
		OK(msgsnd(q, &msg, 5, 0)));
	CHECK_EQ(OK(msgrcv(q, &msg, 16, 5, 0)), 5);
	CHECK(!strcmp(msg.text, "five"));
	CHECK_EQ(OK(msgrcv(q, &msg, 16, 0, 0)), 6);
	CHECK(!strcmp(msg.text, "three"));
	WAIT_OK(pid);
	FAILS(msgrcv(q, &msg, 16, 0, IPC_NOWAIT), ENOMSG);
	OK(msgctl(q, IPC_RMID, NULL));
}

TEST(system_v_shared_memory)
{
	int id = OK(shmget(IPC_PRIVATE, 3 * PAGE, 0600));
	char *p = (void *)OK(shmat(id, NULL, 0)), *q = (void *)OK(shmat(id, NULL, SHM_RDONLY));
	struct shmid_ds ds;

	strcpy(p + PAGE, "seen");
	CHECK(!strcmp(q + PAGE, "seen"));
	CHILD(pid, strcpy(p + PAGE, "by the child"));
	WAIT_OK(pid);
	CHECK(!strcmp(q + PAGE, "by the child"));
	OK(shmctl(id, IPC_STAT, &ds));
	CHECK_EQ(ds.shm_nattch, 2);
	OK(shmctl(id, IPC_RMID, NULL));
	OK(shmdt(q));
	p[0] = 1;
	OK(shmdt(p));
	CHILD(dead, p[0] = 1);
	WAIT_SIGNAL(dead, SIGSEGV);
}

TEST(system_v_semaphores)
{
	int id = OK(semget(IPC_PRIVATE, 2, 0600));
	struct sembuf down = { 0, -1, 0 }, up = { 0, 1, SEM_UNDO }, try = { 0, -1, IPC_NOWAIT };
	struct timespec ts = { 0, 10000000 };

	FAILS(semop(id, &try, 1), EAGAIN);
	FAILS(semtimedop(id, &down, 1, &ts), EAGAIN);
	CHILD(pid, sleep_ms(20); up.sem_flg = 0; OK(semop(id, &up, 1)));
	OK(semop(id, &down, 1));
	WAIT_OK(pid);
	/* What the child did is undone when it dies. */
	CHILD(undone, OK(semop(id, &up, 1)); CHECK_EQ(semctl(id, 0, GETVAL), 1));
	WAIT_OK(undone);
	CHECK_EQ(semctl(id, 0, GETVAL), 0);
	OK(semctl(id, 0, IPC_RMID));
}

TEST(posix_semaphore)
{
	sem_t *sem = SHARED(PAGE);
	struct timespec ts;

	CHECK_EQ(sem_init(sem, 1, 0), 0);
	CHILD(pid, sleep_ms(20); sem_post(sem));
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += 5;
	OK(sem_timedwait(sem, &ts));
	WAIT_OK(pid);
	FAILS(sem_trywait(sem), EAGAIN);
}

TEST(file_locks)
{
	int fd = OK(open("/tmp", O_TMPFILE | O_RDWR, 0600));
	struct flock lock = { .l_type = F_WRLCK, .l_len = 10 };

	OK(fcntl(fd, F_SETLK, &lock));
	CHILD(pid,
		struct flock mine = { .l_type = F_WRLCK, .l_start = 5, .l_len = 1 };

		FAILS(fcntl(fd, F_SETLK, &mine), EAGAIN);
		OK(fcntl(fd, F_GETLK, &mine));
		CHECK_EQ(mine.l_pid, getppid());
		mine = (struct flock){ .l_type = F_WRLCK, .l_start = 10, .l_len = 1 };
		OK(fcntl(fd, F_SETLK, &mine)));
	WAIT_OK(pid);
}
