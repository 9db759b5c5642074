/* The seed's race for SPIN: the program of tests/puzzles/tlb_race.h, as Promela can say it. One statement is one
 * access to shared memory (SC).
 *
 *   CPUS    2 and up: CPU 0 unmaps, CPU 1 is the kernel thread, each further one borrows the mm lazily
 *   PAGES   that CPU 0 unmaps one after the other
 *   ACC     accesses of CPU 1 to each page
 *   FIXED   0: as before bafb056ce279; 1: the mask is never trimmed
 *   POLLS   steps of a lazy CPU between borrowing and giving back
 *
 * What differs from the program: an interrupt is a process of its own, which comes between any two
 * instructions of its CPU, where the program polls; an access to a user page is one instruction.
 */
#ifndef CPUS
#define CPUS 2
#endif
#ifndef PAGES
#define PAGES 2
#endif
#ifndef ACC
#define ACC 2
#endif
#ifndef FIXED
#define FIXED 0
#endif
#ifndef POLLS
#define POLLS 2
#endif
#define BIT(n) (1 << (n))

byte mm_users = 1;
byte mm_cpumask = 1;
bool mm_context = 1;
bool valid[PAGES];         /* the page's table entry */
bool freed[PAGES];
byte tlb[CPUS];            /* a bit for each page */
bool flush_sent[CPUS];     /* until it is acknowledged */
bool in_instruction[CPUS]; /* no interrupt comes */

/* smp_flush_tlb_mm's handler on one CPU */
proctype Interrupts(byte cpu)
{
end_quiet:
	do
	:: atomic {
		flush_sent[cpu] && !in_instruction[cpu];
		tlb[cpu] = 0;
		flush_sent[cpu] = false
	   }
	od
}

proctype Unmap()
{
	byte page, cpu, others, users;

	do
	:: page == PAGES -> break
	:: else ->
		/* The page is in use here. */
		atomic { assert(valid[page]); tlb[0] = tlb[0] | BIT(page) };
		valid[page] = false;
		users = mm_users;
		if
		:: users == 1 && !FIXED -> mm_cpumask = BIT(0)
		:: else ->
			others = mm_cpumask & ~BIT(0);
			cpu = 1;
			do
			:: cpu == CPUS -> break
			:: cpu < CPUS && (others & BIT(cpu)) -> flush_sent[cpu] = true; cpu++
			:: cpu < CPUS && !(others & BIT(cpu)) -> cpu++
			od;
			cpu = 1;
			do
			:: cpu == CPUS -> break
			:: cpu < CPUS && (others & BIT(cpu)) -> !flush_sent[cpu]; cpu++
			:: cpu < CPUS && !(others & BIT(cpu)) -> cpu++
			od
		fi;
		tlb[0] = 0;
		freed[page] = true;
		page++
	od
}

/* kthread_use_mm, accesses, kthread_unuse_mm */
proctype UseMm()
{
	byte round, page;
	bool context;

	atomic { mm_users != 0; mm_users++ };
	if
	:: atomic { (mm_cpumask & BIT(1)) == 0; mm_cpumask = mm_cpumask | BIT(1) }; tlb[1] = 0
	:: else
	fi;
	context = mm_context;
	do
	:: round == ACC -> break
	:: else ->
		page = 0;
		do
		:: page == PAGES -> break
		:: else ->
			in_instruction[1] = true;
			if
			:: tlb[1] & BIT(page) -> assert(!freed[page])
			:: else ->
				if
				:: valid[page] -> tlb[1] = tlb[1] | BIT(page); assert(!freed[page])
				:: else
				fi
			fi;
			in_instruction[1] = false;
			page++
		od;
		round++
	od;
	mm_users--
}

proctype BorrowLazily(byte cpu)
{
	byte n;

	mm_cpumask = mm_cpumask | BIT(cpu);
	do
	:: n == POLLS -> break
	:: else -> n++
	od;
	mm_cpumask = mm_cpumask & ~BIT(cpu)
}

init {
	byte n;

	atomic {
		do
		:: n == PAGES -> break
		:: else -> valid[n] = true; n++
		od;
		n = 1;
		do
		:: n == CPUS -> break
		:: else -> run Interrupts(n); n++
		od;
		run Unmap();
		run UseMm();
		n = 2;
		do
		:: n == CPUS -> break
		:: else -> run BorrowLazily(n); n++
		od
	}
}
