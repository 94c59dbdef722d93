%% SPDX-License-Identifier: Apache-2.0
%% The same traffic as bench/local.c in Erlang/OTP: callers are processes, the actor is a gen_server.
%%   erl -noshell -s local_otp main tell|call CALLERS OUTSTANDING COUNT   prints one JSON object
-module(local_otp).
-behaviour(gen_server).
-export([main/1, init/1, handle_call/3, handle_cast/2]).

init([]) -> {ok, {none, 0}}.

handle_call({echo, Bytes}, _From, State) -> {reply, Bytes, State};
handle_call({until, Count}, From, {_, Count}) -> {reply, done, {From, Count}};
handle_call({until, Count}, From, {_, Seen}) -> {noreply, {{From, Count}, Seen}}.

handle_cast({note, _Bytes}, {{From, Count}, Seen}) when Seen + 1 =:= Count ->
    gen_server:reply(From, done),
    {noreply, {none, Count}};
handle_cast({note, _Bytes}, {Waiter, Seen}) -> {noreply, {Waiter, Seen + 1}}.

now_ns() -> erlang:monotonic_time(nanosecond).

tell(_Actor, 0) -> ok;
tell(Actor, Left) ->
    gen_server:cast(Actor, {note, <<0:256>>}),
    tell(Actor, Left - 1).

call(_Actor, 0, Times) -> Times;
call(Actor, Left, Times) ->
    Begin = now_ns(),
    _ = gen_server:call(Actor, {echo, <<0:256>>}, infinity),
    call(Actor, Left - 1, [now_ns() - Begin | Times]).

%% As many requests on their way as there are ids in the queue.
window(_Actor, 0, Ids) ->
    case queue:out(Ids) of
        {empty, _} -> [];
        {{value, Id}, Rest} ->
            {reply, _} = gen_server:receive_response(Id, infinity),
            window(none, 0, Rest)
    end;
window(Actor, Left, Ids) ->
    {{value, Id}, Rest} = queue:out(Ids),
    {reply, _} = gen_server:receive_response(Id, infinity),
    window(Actor, Left - 1, queue:in(gen_server:send_request(Actor, {echo, <<0:256>>}), Rest)).

caller(Actor, tell, _, Each) -> tell(Actor, Each), [];
caller(Actor, call, 1, Each) -> call(Actor, Each, []);
caller(Actor, call, Outstanding, Each) ->
    First = min(Outstanding, Each),
    window(Actor, Each - First,
           queue:from_list([gen_server:send_request(Actor, {echo, <<0:256>>}) || _ <- lists:seq(1, First)])).

main([Mode, Callers0, Outstanding0, Count0]) ->
    [Callers, Outstanding, Count] = [list_to_integer(atom_to_list(A)) || A <- [Callers0, Outstanding0, Count0]],
    Each = Count div Callers,
    {ok, Actor} = gen_server:start_link(?MODULE, [], []),
    Self = self(),
    Begin = now_ns(),
    [spawn_link(fun() -> Self ! {times, I, caller(Actor, Mode, Outstanding, Each)} end) || I <- lists:seq(1, Callers)],
    Times = [receive {times, I, T} -> T end || I <- lists:seq(1, Callers)],
    case Mode of
        tell -> done = gen_server:call(Actor, {until, Each * Callers}, infinity);
        call -> ok
    end,
    Seconds = (now_ns() - Begin) / 1.0e9,
    Sorted = lists:sort(hd(Times)),
    At = fun(Part) -> case Sorted of [] -> 0.0; _ -> lists:nth(1 + trunc((length(Sorted) - 1) * Part), Sorted) / 1000 end end,
    io:format("{\"per_second\": ~.1f, \"p50_us\": ~.2f, \"p99_us\": ~.2f}~n", [Each * Callers / Seconds, At(0.5), At(0.99)]),
    halt().
