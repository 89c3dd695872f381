// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

interface Token {
    function transfer(address to, uint256 value) external returns (bool);
    function transferFrom(address from, address to, uint256 value) external returns (bool);
}

/// Where tokens leave a chain and arrive on it. What the contract holds is not in circulation on this chain.
contract Bridge {
    // Slots 0 and 1, in this order: the simulator presets them.
    mapping(address => bool) public operator;
    mapping(uint256 => bool) public done;

    event Sent(address indexed from, uint256 indexed number, Token token, uint256 amount);
    event Arrived(address indexed to, uint256 indexed number, Token token, uint256 amount);
    event Filled(address indexed to, uint256 indexed number, Token token, uint256 amount);

    /// Takes tokens out of circulation here, as message `number` to another chain.
    function send(Token token, uint256 amount, uint256 number) external {
        require(amount > 0, "amount");
        require(token.transferFrom(msg.sender, address(this), amount), "pay in");
        emit Sent(msg.sender, number, token, amount);
    }

    /// Puts tokens into circulation that left it elsewhere; the operator keeps the fee.
    function arrive(Token token, address to, uint256 amount, uint256 fee, uint256 number) external {
        require(operator[msg.sender], "operator");
        once(number);
        require(token.transfer(to, amount), "pay out");
        if (fee > 0) require(token.transfer(msg.sender, fee), "fee");
        emit Arrived(to, number, token, amount);
    }

    /// The caller pays in advance what a message will bring, at `deadline` (unix time, seconds) at the latest.
    function fill(Token token, address to, uint256 amount, uint256 number, uint256 deadline) external {
        require(block.timestamp <= deadline, "deadline");
        once(number);
        require(token.transferFrom(msg.sender, to, amount), "pay out");
        emit Filled(to, number, token, amount);
    }

    function once(uint256 number) private {
        require(!done[number], "done");
        done[number] = true;
    }
}
