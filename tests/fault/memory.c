/* SPDX-License-Identifier: Apache-2.0 */
#include "fault/memory.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>

static struct {
    sqlite3_mem_methods below;
    memory_whose_t whose;
    unsigned long at, count; /* of the failures */
    unsigned long made, failed;
    long alive;
} memory; /* each field atomic */

static bool denies(memory_whose_t whose)
{
    unsigned long at = __atomic_load_n(&memory.at, __ATOMIC_ACQUIRE);
    if (at == 0 || __atomic_load_n(&memory.whose, __ATOMIC_RELAXED) != whose) return false;
    unsigned long number = __atomic_add_fetch(&memory.made, 1, __ATOMIC_RELAXED);
    if (number < at || number - at >= __atomic_load_n(&memory.count, __ATOMIC_RELAXED)) return false;
    (void)__atomic_add_fetch(&memory.failed, 1, __ATOMIC_RELAXED);
    return true;
}

static void count(long blocks)
{
    (void)__atomic_add_fetch(&memory.alive, blocks, __ATOMIC_RELAXED);
}

static void *sqlite_allocate(int size)
{
    void *block = denies(MEMORY_SQLITE) ? NULL : memory.below.xMalloc(size);
    count(block != NULL);
    return block;
}

static void sqlite_release(void *block)
{
    count(-1);
    memory.below.xFree(block);
}

static void *sqlite_resize(void *block, int size)
{
    return denies(MEMORY_SQLITE) ? NULL : memory.below.xRealloc(block, size);
}

static void *our_allocate(size_t size, void *user)
{
    (void)user;
    void *block = denies(MEMORY_OURS) ? NULL : malloc(size);
    count(block != NULL);
    return block;
}

static void *our_resize(void *block, size_t size, void *user)
{
    if (block == NULL) return our_allocate(size, user);
    return denies(MEMORY_OURS) ? NULL : realloc(block, size);
}

static void our_release(void *block, void *user)
{
    (void)user;
    count(block != NULL ? -1 : 0);
    free(block);
}

const actri_env_t memory_env = {.allocator = {our_allocate, our_resize, our_release, NULL}};

void memory_install(void)
{
    int code = sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory.below);
    assert(code == SQLITE_OK);
    sqlite3_mem_methods methods = memory.below;
    methods.xMalloc = sqlite_allocate;
    methods.xFree = sqlite_release;
    methods.xRealloc = sqlite_resize;
    code = sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    assert(code == SQLITE_OK);
    (void)code;
}

void memory_fail_at(memory_whose_t whose, unsigned long at, unsigned long count)
{
    __atomic_store_n(&memory.at, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&memory.whose, whose, __ATOMIC_RELAXED);
    __atomic_store_n(&memory.count, count, __ATOMIC_RELAXED);
    __atomic_store_n(&memory.made, 0, __ATOMIC_RELAXED);
    if (at != 0) __atomic_store_n(&memory.failed, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&memory.at, at, __ATOMIC_RELEASE);
}

unsigned long memory_failed(void)
{
    return __atomic_load_n(&memory.failed, __ATOMIC_RELAXED);
}

long memory_alive(void)
{
    return __atomic_load_n(&memory.alive, __ATOMIC_RELAXED);
}
