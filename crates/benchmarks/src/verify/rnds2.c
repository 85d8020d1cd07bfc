/* How long a chain of dependent SHA256RNDS2 takes: the lower bound of one stream of SHA-256 on this processor.
   The argument says how many make one call. A count of calls comes in on a line; nanoseconds of CPU time go out. */

#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int count, char **arguments) {
    long per_call = count > 1 ? atol(arguments[1]) : 32;
    __m128i even = _mm_set1_epi32(count), odd = _mm_set1_epi32(1), key = _mm_set1_epi32(2);
    char line[32];
    while (fgets(line, sizeof line, stdin)) {
        struct timespec start, end;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
        for (long pairs = atol(line) * per_call / 2; pairs > 0; pairs--) {
            even = _mm_sha256rnds2_epu32(even, odd, key);
            odd = _mm_sha256rnds2_epu32(odd, even, key);
        }
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
        printf("%lld\n", (end.tv_sec - start.tv_sec) * 1000000000LL + (end.tv_nsec - start.tv_nsec));
        fflush(stdout);
    }
    return _mm_cvtsi128_si32(_mm_add_epi32(even, odd)) == 0; /* so that the chain is not optimised away */
}
