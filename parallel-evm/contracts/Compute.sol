// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

/// Pure computation: much gas, few bytes. The result is stored per caller and logged, so it is not dead.
contract Compute {
    // Slot 0: the simulator may read it.
    mapping(address => uint256) public resultOf;

    event Computed(address indexed caller, uint256 result);

    /// Hashes the seed `n` times.
    function keccakLoop(uint256 n, bytes32 seed) external returns (bytes32 hash) {
        assembly {
            mstore(0, seed)
            for { let i := 0 } lt(i, n) { i := add(i, 1) } { mstore(0, keccak256(0, 32)) }
            hash := mload(0)
        }
        finish(uint256(hash));
    }

    /// Squares the seed `n` times modulo 2^255 - 19, adding the step's number.
    function mulmodLoop(uint256 n, uint256 seed) external returns (uint256 x) {
        assembly {
            let p := sub(shl(255, 1), 19)
            x := seed
            for { let i := 0 } lt(i, n) { i := add(i, 1) } { x := addmod(mulmod(x, x, p), i, p) }
        }
        finish(x);
    }

    function finish(uint256 result) private {
        resultOf[msg.sender] = result;
        emit Computed(msg.sender, result);
    }
}
