def test_x(replay):
    print(replay.result.stdout)
    print(replay.result.stderr)
    assert 0
